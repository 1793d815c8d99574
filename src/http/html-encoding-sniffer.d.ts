/** The part of html-encoding-sniffer 7 that is used; the package brings no types. */
declare module 'html-encoding-sniffer' {
  interface SniffOptions {
    xml?: boolean
    /** Only without `xml`; 1024 by default. */
    maxPrescanBytes?: number
    /** Label of the transport layer; unknown ones are passed over. */
    transportLayerEncodingLabel?: string
    /** Returned as it is where nothing else decides. */
    defaultEncoding?: string
  }
  export default function sniffEncoding(bytes: Uint8Array, options?: SniffOptions): string
}
