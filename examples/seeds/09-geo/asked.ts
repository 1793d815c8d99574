/** Asks the service at the address given where this machine is, until it has asked too often. */
const [address = '', key = ''] = (process.argv[2] ?? '').trim().split('#k=')

for (const path of ['', '/127.0.0.1', '/127.0.0.1.csv', '/8.8.8.8', '/nowhere', '/127.0.0.1']) {
  const response = await fetch(new URL(`api/geo${path}`, address), { headers: { authorization: `Bearer ${key}` } })
  const left = response.headers.get('ratelimit-remaining')
  const text = response.ok ? (await response.text()).trim().replaceAll('\r\n', ' ') : ''
  console.log(`${response.status} ${left} left ${text}`.trim())
  if (response.status === 429)
    console.log(`again in ${Number(response.headers.get('retry-after')) > 60 ? 'minutes' : 'no time'}`)
}
