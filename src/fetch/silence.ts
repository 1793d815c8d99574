/**
 * Whether a kept connection holds bytes that nobody has read yet: asked of the kernel right before a request is written on
 * it. What is there by then answers nothing that was asked, so it must not be read as the reply (CVE-2026-48931). The
 * event loop cannot tell: it learns of bytes in its poll phase, and requests are written between two of those. Bytes that
 * arrive after this question are, to any client, the answer of the peer.
 */
import { readSync } from 'node:fs'
import type { Socket } from 'node:net'

const byte = new Uint8Array(1)

/**
 * False where bytes wait, or the peer has closed or reset the connection: it must be given up then, for the byte that was
 * looked at is gone from it. True where the system gives sockets no descriptor (Windows).
 */
export function isSilent(socket: Socket): boolean {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd
  if (fd === undefined || fd < 0) return true
  const { stackTraceLimit } = Error
  // The usual answer is an error; its trace, which nobody reads, would cost more than the question.
  Error.stackTraceLimit = 0
  try {
    readSync(fd, byte, 0, 1, null)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN'
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
