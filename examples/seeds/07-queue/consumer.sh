# Claims pieces until none comes for five seconds, counts their words, settles them. Arguments: queue, own name.
while [ "$(curl -s -D "$2.head" -o "$2.piece" -w '%{http_code}' -X POST "$1/claim?wait=5")" = 200 ]; do
  claim=$(tr -d '\r' < "$2.head" | sed -n 's/^sluice-claim: //p')
  settled=$(curl -s -o "$2.answer" -w '%{http_code}' -d "claim=$claim" "$1/settle")
  [ "$settled" = 200 ] && wc -w < "$2.piece" >> "$2.words"
done
