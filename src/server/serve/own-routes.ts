/** What the service answers that is no operation on jobs, for the description of the API and for calls by name. */
import type { Field, Route } from './route.ts'

const KEY: Field = { type: 'string', about: 'the key', isNeeded: true }
const IP: Field = { type: 'string', about: 'address, with .json or .csv behind it or without', isNeeded: true }

export const OWN_ROUTES: readonly Route[] = [
  { id: 'service.health', method: 'GET', path: '/healthz', about: 'ok or degraded', fields: {}, isOpen: true },
  {
    id: 'service.key',
    method: 'POST',
    path: '/key',
    about: 'Changes a key for the cookie of a browser',
    fields: { key: KEY },
    isOpen: true,
  },
  {
    id: 'service.metrics',
    method: 'GET',
    path: '/metrics',
    about: 'Figures for Prometheus',
    fields: {},
    answers: 'text/plain',
  },
  { id: 'service.description', method: 'GET', path: '/openapi.json', about: 'This description', fields: {} },
  {
    id: 'geo.lookup',
    method: 'GET',
    path: '/api/geo/{ip}',
    about: 'Country and network of an IP address, with a quota for each client; /api/geo is about the client itself',
    fields: { ip: IP },
  },
]
