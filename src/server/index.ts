/** What the command line may use of the server. */
export { openDashboard } from './listen.ts'
export type { Dashboard, DashboardInit } from './listen.ts'
export { serveFeed } from './feed-server.ts'
export type { FeedServer, FeedServerInit } from './feed-server.ts'
