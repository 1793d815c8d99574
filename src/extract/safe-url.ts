/** Relative URLs made absolute; URLs that would run something are none. */
import { stripUrl } from './white-space.ts'

/** Schemes that a link or picture of a stranger may have. */
const SCHEMES = new Set(
  (
    'http https ftp ftps sftp mailto tel sms sip sips xmpp irc ircs news nntp feed magnet geo git ssh rtsp rtmp mms ' +
    'webcal callto skype facetime itms gopher svn rsync cid mid tag urn aim gtalk'
  ).split(' '),
)

/**
 * Absolute URLs as they are written, relative ones resolved; those of other schemes than the listed ones are ''.
 * Characters that parsers of URLs pass over are passed over.
 */
export function resolveSafe(url: string, base: string): string {
  const written = stripUrl(url)
  const scheme = /^([^/?#:]*):/.exec(written)?.[1]
  if (scheme === undefined) return URL.parse(written, base)?.href ?? written
  return SCHEMES.has(scheme.toLowerCase()) ? written : ''
}
