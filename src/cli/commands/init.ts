/**
 * `sluice init [URL] [FOLDER]`: files to begin with. A person is asked what is not given, and shown the command that needs
 * no question; a script is never held up.
 */
import { checkContact, newProject, TEMPLATES } from '../../job/index.ts'
import type { TemplateName } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import { shellWord } from '../../model/shell-word.ts'
import { openAsker } from '../asker.ts'
import type { Cli, Invocation } from '../command.ts'
import { gatherOptions } from '../gather.ts'
import { addToUserFile } from '../user-file.ts'

const NAMES = Object.keys(TEMPLATES) as TemplateName[]
const [USUAL] = NAMES as [TemplateName]

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { terminal, catalog, cwd, env } = cli
  const { positionals, flags, options } = invocation
  const [givenUrl, folder] = positionals
  const asker = flags.yes === true ? undefined : openAsker()
  const ask = async (question: string, usual: string): Promise<string> => {
    const answer = await asker?.ask(`${question}${usual === '' ? '' : ` [${usual}]`}: `)
    return answer === undefined || answer === '' ? usual : answer
  }
  const url = givenUrl ?? (await ask(catalog.t('init.url'), ''))
  if (url === '') {
    throw new SluiceError('OPTION_INVALID', 'init needs the start page of the site', {
      hint: 'sluice init https://your.site/',
    })
  }
  const named = typeof flags.template === 'string' ? flags.template : undefined
  const template = templateNamed(named ?? (await ask(catalog.t('init.template', { names: NAMES.join(', ') }), USUAL)))
  // What other jobs use already is not asked again.
  const known = (await gatherOptions(cli, { ...invocation, options: {} }, undefined, [])).get<string>('contact')
  const contact = (options.contact as string | undefined) ?? known ?? (await ask(catalog.t('init.contact'), ''))
  asker?.close()
  if (contact !== '') checkContact(contact)

  const project = newProject(template, url, folder, cwd)
  terminal.print(`${catalog.t('init.made', { files: project.files.join('  ') })}\n`)
  if (contact !== '' && known === undefined) {
    terminal.say(`${catalog.t('init.kept', { path: addToUserFile(env, 'contact', contact) })}\n`)
  }
  const same = ['sluice init', shellWord(url)]
  if (folder !== undefined) same.push(shellWord(folder))
  same.push('--template', template)
  if (contact !== '' && contact !== known) same.push('--contact', shellWord(contact))
  if (asker !== undefined) terminal.say(`${catalog.t('init.same', { command: same.join(' ') })}\n`)
  const enter = project.folder === '.' ? '' : `cd ${shellWord(project.folder)} && `
  const install = project.files.some((path) => path.endsWith('package.json')) ? 'npm install && ' : ''
  terminal.say(`${catalog.t('init.next', { command: `${enter}${install}npx sluice run ${project.main}` })}\n`)
  return 0
}

function templateNamed(name: string): TemplateName {
  const found = NAMES.find((one) => one === name)
  if (found !== undefined) return found
  const near = nearest(name, NAMES)
  throw new SluiceError('OPTION_INVALID', `--template: there is no template ${JSON.stringify(name)}`, {
    hint: near === undefined ? `there are ${NAMES.join(' and ')}` : `did you mean ${near}?`,
  })
}
