/**
 * Schemas of items: any library that implements Standard Schema v1 (zod, valibot, arktype …) validates, and names the
 * columns where it also offers Standard JSON Schema. Knows no library by name.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { ItemColumn, ItemIssue } from './extraction.ts'
import { dottedPath, shownJson } from './item-json.ts'

export type ItemSchema<Item = unknown> = StandardSchemaV1<unknown, Item>

export type Validated =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Omit<ItemIssue, 'position'>[] }

/** The schema's output for an item, or its complaints: one at least. Throws what the schema throws. */
export async function validateItem(schema: StandardSchemaV1, item: unknown): Promise<Validated> {
  let result = schema['~standard'].validate(item)
  if (result instanceof Promise) result = await result
  if (result.issues === undefined) return { value: result.value }
  const issues = result.issues.map(({ message, path = [] }) => {
    const keys = path.map((part) => (typeof part === 'object' ? part.key : part))
    return { path: dottedPath(keys), message, value: shownJson(valueAt(item, keys)) }
  })
  // A library may refuse without a word.
  return { issues: issues.length > 0 ? issues : [{ path: '', message: 'invalid', value: shownJson(item) }] }
}

function valueAt(item: unknown, keys: readonly PropertyKey[]): unknown {
  let value = item
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

type JsonSchema = Readonly<Record<string, unknown>>

/**
 * Columns of the items a schema gives, in its order; undefined where it does not offer Standard JSON Schema, or describes
 * anything but one object with named fields. A field that may be null or absent is not required.
 */
export function columnsOf(schema: StandardSchemaV1 | undefined): readonly ItemColumn[] | undefined {
  const root = schema === undefined ? undefined : jsonSchemaOf(schema)
  if (root === undefined) return undefined
  const object = resolved(root, root)
  if (object.type !== 'object' || !isSchema(object.properties)) return undefined
  const required = new Set(Array.isArray(object.required) ? object.required : [])
  return Object.entries(object.properties).map(([name, field]) => {
    const { type, isNullable } = columnType(isSchema(field) ? resolved(field, root) : {}, root)
    return { name, type, required: required.has(name) && !isNullable }
  })
}

/**
 * Columns of the items of several extractors: all of them in order, `json` where types differ, required where every
 * schema requires it. Undefined if one of them names none.
 */
export function itemColumns(
  extractors: readonly { readonly schema?: StandardSchemaV1 | undefined }[],
): readonly ItemColumn[] | undefined {
  const lists: (readonly ItemColumn[])[] = []
  for (const { schema } of extractors) {
    const columns = columnsOf(schema)
    if (columns === undefined) return undefined
    lists.push(columns)
  }
  const uses = Map.groupBy(lists.flat(), ({ name }) => name)
  return [...uses].map(([name, columns]) => ({
    name,
    type: columns.every(({ type }) => type === columns[0]!.type) ? columns[0]!.type : 'json',
    required: columns.length === lists.length && columns.every(({ required }) => required),
  }))
}

function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>
  if (jsonSchema === undefined) return undefined
  try {
    return jsonSchema.output({ target: 'draft-2020-12' })
  } catch {
    // A type that JSON Schema cannot say (a Date): the interface allows to throw.
    return undefined
  }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Follows references within the document; a circle of them ends at the empty schema. */
function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let current = schema
  for (let steps = 0; typeof current.$ref === 'string'; steps++) {
    const path = current.$ref.startsWith('#') && steps < 16 ? current.$ref.slice(1).split('/').slice(1) : undefined
    let target: unknown = path === undefined ? undefined : root
    for (const part of path ?? []) {
      target = isSchema(target) ? target[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
    }
    if (!isSchema(target)) return {}
    current = target
  }
  return current
}

interface FieldType {
  readonly type: ItemColumn['type']
  readonly isNullable: boolean
}

function columnType(schema: JsonSchema, root: JsonSchema): FieldType {
  const names = typeNames(schema, root)
  const isNullable = names.has('null') || names.has('any')
  names.delete('null')
  const only = names.size === 1 ? [...names][0] : undefined
  if (only === 'string') return { type: 'text', isNullable }
  if (only === 'integer' || only === 'number' || only === 'boolean') return { type: only, isNullable }
  if (names.size === 2 && names.has('integer') && names.has('number')) return { type: 'number', isNullable }
  return { type: 'json', isNullable }
}

/** Names of JSON Schema types a value may have; `any` where the schema does not say. */
function typeNames(schema: JsonSchema, root: JsonSchema): Set<string> {
  if (typeof schema.type === 'string') return new Set([schema.type])
  if (Array.isArray(schema.type)) return new Set(schema.type.map(String))
  if ('const' in schema) return new Set([typeNameOf(schema.const)])
  if (Array.isArray(schema.enum)) return new Set(schema.enum.map(typeNameOf))
  const choices = schema.anyOf ?? schema.oneOf
  if (!Array.isArray(choices)) return new Set(['any'])
  return new Set(choices.filter(isSchema).flatMap((choice) => [...flatTypeNames(resolved(choice, root))]))
}

/** Of one choice among several: nested choices do not say, for they may refer to themselves. */
function flatTypeNames(schema: JsonSchema): Set<string> {
  return 'anyOf' in schema || 'oneOf' in schema ? new Set(['any']) : typeNames(schema, schema)
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Number.isInteger(value)) return 'integer'
  return Array.isArray(value) ? 'array' : typeof value
}
