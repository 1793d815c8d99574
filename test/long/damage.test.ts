/** The long form of the test of damage: two hundred flips, and the log cut in a hundred places. */
process.env['SLUICE_FLIPS'] = '200'
await import('../frontier/damage.test.ts')
