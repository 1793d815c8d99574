/**
 * The Model Context Protocol (revision 2025-06-18): operations of the API as tools for programs that reason. Messages are
 * JSON-RPC 2.0; over HTTP each POST is answered with JSON (there is nothing to stream), over standard input a line each.
 */
import { schemaOf } from './openapi.ts'
import type { Route } from './route.ts'
import type { RpcAnswer, RpcCall } from './rpc.ts'

export interface McpInit {
  readonly routes: readonly Route[]
  readonly version: string
  /** Runs an operation by its id. */
  run(id: string, params: Readonly<Record<string, unknown>>): Promise<RpcAnswer>
}

/** Newest first; a client that asks for another one is offered the newest. */
const REVISIONS = ['2025-06-18', '2025-03-26', '2024-11-05']

export function createMcp({ routes, version, run }: McpInit): RpcCall {
  const tools = routes.filter(({ tool }) => tool !== undefined)
  const methods: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => unknown>> = {
    initialize: ({ protocolVersion }) => ({
      protocolVersion: REVISIONS.includes(String(protocolVersion)) ? protocolVersion : REVISIONS[0],
      capabilities: { tools: { listChanged: false } },
      serverInfo: { name: 'sluice', title: 'Sluice', version },
      instructions:
        'Jobs fetch or crawl pages politely and go on in the background: start one, ask for its status, then read its items or URLs.',
    }),
    ping: () => ({}),
    'notifications/initialized': () => ({}),
    'notifications/cancelled': () => ({}),
    'tools/list': () => ({
      tools: tools.map(({ tool, about, fields, changes }) => ({
        name: tool,
        description: about,
        inputSchema: schemaOf(fields),
        annotations: {
          readOnlyHint: changes !== true,
          openWorldHint: tool === 'start_crawl' || tool === 'start_fetch',
        },
      })),
    }),
  }
  return (method, params) => {
    if (method === 'tools/call') return callTool(params)
    const known = Object.hasOwn(methods, method) ? methods[method] : undefined
    return known === undefined ? undefined : Promise.resolve({ status: 200, body: known(params) })
  }

  async function callTool({ name, arguments: given = {} }: Readonly<Record<string, unknown>>): Promise<RpcAnswer> {
    const route = tools.find(({ tool }) => tool === name)
    if (route === undefined)
      return {
        status: 400,
        body: { error: { code: 'TOOL_UNKNOWN', message: `there is no tool ${JSON.stringify(name)}` } },
      }
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      return { status: 400, body: { error: { code: 'OPTION_INVALID', message: 'arguments is no object' } } }
    const { status, body } = await run(route.id, given as Record<string, unknown>)
    // What went wrong is for the model to read, not an error of the protocol.
    return {
      status: 200,
      body: {
        content: [{ type: 'text', text: JSON.stringify(body) }],
        ...(status < 400 && typeof body === 'object' && body !== null ? { structuredContent: body } : {}),
        isError: status >= 400,
      },
    }
  }
}
