/** Names of the commands, and of the flags that are not options of a job. */
export type CommandName =
  | 'fetch'
  | 'crawl'
  | 'run'
  | 'resume'
  | 'stop'
  | 'status'
  | 'why'
  | 'retry'
  | 'inspect'
  | 'explain'
  | 'help'

export type OwnFlagName = 'outcome' | 'status' | 'host' | 'code' | 'since' | 'yes' | 'dryRun' | 'asJson'
