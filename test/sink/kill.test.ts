import { killTests, pageKillTest } from './kills.ts'

killTests(['ndjson', 'gzip', 'zstd', 'csv', 'gzip csv', 'parquet', 'sqlite'])
for (const kind of ['files', 'named files'] as const) pageKillTest(kind)
