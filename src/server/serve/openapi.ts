/** The description of the API (OpenAPI 3.1), made from the rows that serve it. */
import { pathFields } from './route.ts'
import type { Field, Route } from './route.ts'

export function openApi(routes: readonly Route[], version: string, server: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice service',
      version,
      description:
        'Jobs that collect pages politely. Errors are {"error": {"code", "message", "hint"}}. The same operations are methods of JSON-RPC 2.0 at /rpc under their operationId.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: server === '' ? '/' : server }],
    security: [{ key: [] }, { cookie: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'sluice',
          description: 'what POST /key sets; changes need the header X-Sluice-Intent as well',
        },
      },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
            },
          },
        },
      },
    },
  }
}

/** Fields as JSON Schema (2020-12): the body of a request, or what a tool of MCP takes. */
export function schemaOf(fields: Readonly<Record<string, Field>>): Record<string, unknown> {
  const needed = Object.keys(fields).filter((name) => fields[name]?.isNeeded === true)
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schema(field)])),
    ...(needed.length === 0 ? {} : { required: needed }),
    additionalProperties: false,
  }
}

function operation(route: Route): unknown {
  const { id, method, path, about, fields, changes, answers, isOpen } = route
  const inPath = pathFields(path)
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !inPath.includes(name)))
  const shown = changes === true ? { ...rest, reason: REASON } : rest
  const parameters = [
    ...inPath.map((name) => parameter(name, 'path', fields[name] as Field)),
    ...(method === 'GET' ? Object.entries(rest).map(([name, field]) => parameter(name, 'query', field)) : []),
  ]
  return {
    operationId: id,
    summary: about,
    ...(isOpen === true ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(method === 'GET' ? {} : { requestBody: { content: { 'application/json': { schema: schemaOf(shown) } } } }),
    responses: responses(route, answers),
  }
}

const REASON: Field = { type: 'string', about: 'why, for the audit log' }

function responses({ isOpen }: Route, answers: Route['answers']): unknown {
  const error = (description: string): unknown => ({
    description,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  })
  if (answers === 'websocket') return { 101: { description: 'switching to WebSocket' }, 401: error('no key') }
  return {
    200: { description: 'done', content: { [answers ?? 'application/json']: {} } },
    400: error('what was given is not what is meant'),
    ...(isOpen === true ? {} : { 401: error('no key'), 403: error('this key may not') }),
    404: error('there is no such thing'),
    429: error('too often; Retry-After says when'),
  }
}

function parameter(name: string, place: 'path' | 'query', field: Field): unknown {
  return {
    name,
    in: place,
    required: place === 'path' || field.isNeeded === true,
    description: field.about,
    schema: schema(field),
  }
}

function schema({ type, about, choices, min, max, longest }: Field): Record<string, unknown> {
  if (type === 'strings') return { type: 'array', items: { type: 'string' }, description: about }
  if (type === 'scalar') return { type: ['string', 'number', 'boolean'], description: about }
  return {
    type,
    description: about,
    ...(choices === undefined ? {} : { enum: choices }),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(longest === undefined ? {} : { maxLength: longest }),
  }
}
