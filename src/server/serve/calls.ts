/** Operations by their names: each call is the request that its row describes, without the wire. Knows no operation. */
import { SluiceError } from '../../model/errors.ts'
import { checked, pathFields } from './route.ts'
import type { Params, Route } from './route.ts'
import type { RpcAnswer } from './rpc.ts'

/** @param ask answers a request as the service would, for one caller */
export function callRoute(
  routes: readonly Route[],
  id: string,
  params: Params,
  ask: (request: Request) => Response | Promise<Response>,
): Promise<RpcAnswer> | undefined {
  const route = routes.find((one) => one.id === id && one.answers === undefined)
  return route === undefined ? undefined : call(route, params, ask)
}

async function call(
  route: Route,
  params: Params,
  ask: (request: Request) => Response | Promise<Response>,
): Promise<RpcAnswer> {
  try {
    checked(route, params)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return { status: 400, body: { error: { code: error.code, message: error.message, hint: error.hint } } }
  }
  const response = await ask(requestOf(route, params))
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : jsonOf(text) }
}

function requestOf({ method, path, fields }: Route, params: Params): Request {
  const rest = { ...params }
  let place = path
  for (const name of pathFields(path)) {
    place = place.replace(`{${name}}`, encodeURIComponent(String(params[name])))
    delete rest[name]
  }
  const url = new URL(place, 'http://localhost')
  if (method !== 'GET') return new Request(url, { method, body: JSON.stringify(rest) })
  for (const [name, value] of Object.entries(rest))
    url.searchParams.set(name, fields[name]?.type === 'strings' ? (value as string[]).join(',') : String(value))
  return new Request(url)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { text }
  }
}
