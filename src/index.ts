/** Sluice: a polite, durable, fast web-collection engine. Importing it has no effect. */
export { defineExtractor } from './extract/define.ts'
export type { Extracted, Extractor, ItemOf, Match, PageMatch } from './extract/define.ts'
export type { Article } from './extract/article.ts'
export type {
  Feed,
  FeedCategory,
  FeedContent,
  FeedEnclosure,
  FeedEntry,
  FeedLink,
  FeedParts,
  FeedPerson,
} from './extract/feed/feed.ts'
export type { ExtractPage } from './extract/page.ts'
export type { PdfFile, PdfInfo, PdfOutline } from './extract/pdf.ts'
export type { PageElement } from './extract/selection.ts'
export type { MicrodataItem } from './extract/structured-data.ts'
export type { TableRow } from './extract/table.ts'
export type { XPathValue } from './extract/xpath.ts'
export { createJob } from './job/create-job.ts'
export { fetchAll } from './job/fetch-all.ts'
export type { AnsweredPage, FailedPage, FetchedResponse, Listed, ListedRequest, Page } from './job/fetch-all.ts'
export { batch } from './job/batch.ts'
export type { BatchOptions, BatchOutcome } from './job/batch.ts'
export { createLimiter } from './job/limiter.ts'
export type { Limiter, LimiterOptions } from './job/limiter.ts'
export { mapUrls } from './job/map-urls.ts'
export type { UrlOutcome } from './job/map-urls.ts'
export { tail } from './job/tail/tail.ts'
export type { TailOptions } from './job/tail/tail.ts'
export { settleAll } from './job/settle-all.ts'
export { defineConfig } from './job/load-config.ts'
export type { HostOptions, JobOptions } from './job/options.ts'
export type { Job, JobEvent, Opening, QueryOptions, RetryQuery, Snapshot, Summary } from './job/job.ts'
export type { Cancel, Handler, HookError, HookHead, HookRequest } from './engine/handler.ts'
export { polite } from './policy/polite.ts'
export type { PoliteOptions } from './policy/polite.ts'
export type { Admit, Attempt, Candidate, Done, Drop, HostState, Pace, Policy, Retry, Skip } from './policy/policy.ts'
export {
  basicAuth,
  bearer,
  digestAuth,
  formLogin,
  oauth2ClientCredentials,
  oauth2Refresh,
  tokenLogin,
} from './session/recipes.ts'
export type {
  BasicAuthOptions,
  BearerOptions,
  DigestAuthOptions,
  FormLoginOptions,
  OAuth2ClientOptions,
  OAuth2RefreshOptions,
  TokenLoginOptions,
} from './session/recipes.ts'
export type {
  LoginAnswer,
  LoginContext,
  LoginRequest,
  RecipeOptions,
  Secret,
  SessionMemory,
  SessionRecipe,
  SessionTools,
} from './session/recipe.ts'
export { CODES, SluiceError } from './model/errors.ts'
export type { ErrorCode } from './model/errors.ts'
export { OUTCOMES } from './model/outcome.ts'
export type { OutcomeWord } from './model/outcome.ts'
export type { PageRecord } from './model/record.ts'
export type { Response } from './model/response.ts'
export type { Sink, SinkRecord, JobInfo } from './sink/sink.ts'
export type { Source, SourceBatch, SourceItem } from './source/source.ts'
