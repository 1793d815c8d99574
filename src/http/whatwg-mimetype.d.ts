/** The part of whatwg-mimetype 5 that is used; the package brings no types. */
declare module 'whatwg-mimetype' {
  export class MIMEType {
    /** `null` where the text is no MIME type. */
    static parse(text: string): MIMEType | null
    readonly essence: string
    readonly type: string
    readonly subtype: string
    readonly parameters: Map<string, string>
  }
}
