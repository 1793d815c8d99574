/** undici's client by itself: the package's index loads fetch, caches and web sockets too, 50 ms more at each start. */
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici'
  export default Client
}
