/**
 * A look over Avro binary data before it is decoded.
 *
 * The decoder trusts its input: it reads broken UTF-8 as U+FFFD, loops as often as an array's count says (2^53 times, if the
 * bytes say so), and knows no limit. This walk follows the writer's schema over the bytes and stops at the first thing that
 * cannot be right:
 *
 * C1. A count or a length never reaches past the end, and each array or map entry takes at least one byte or is refused.
 * C2. All bytes are used, and no more than there are.
 * C3. Strings are UTF-8 (`TEXT_NOT_UTF8`); floating-point numbers are finite (`VALUE_NOT_FINITE`).
 */
import { isUtf8 } from 'node:buffer';
import { FirstFiveError } from '../../core/errors.ts';

/**
 * Throws `RECORD_UNDECODABLE`, `TEXT_NOT_UTF8` or `VALUE_NOT_FINITE`. With `anyText` broken UTF-8 passes: for finding out whose
 * record it is that is about to be refused.
 */
export type AvroCheck = (body: Buffer, anyText?: boolean) => void;

type Step = (at: Position) => void;

type Schema = string | readonly Schema[] | SchemaObject;

interface SchemaObject {
  readonly type: Schema;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[];
  readonly symbols?: readonly string[];
  readonly items?: Schema;
  readonly values?: Schema;
  readonly size?: number;
}

/** Compiles the walk for a schema, as JSON text. Throws `SCHEMA_INCOMPATIBLE` for one that cannot be understood. */
export function avroCheck(schema: string): AvroCheck {
  const root = new Compiler().compile(JSON.parse(schema) as Schema, '');
  return (body, anyText = false) => {
    const at = new Position(body, anyText);
    root(at);
    if (at.offset !== body.length) throw undecodable(`${body.length - at.offset} bytes are left over`);
  };
}

class Position {
  readonly body: Buffer;
  readonly anyText: boolean;
  offset = 0;

  constructor(body: Buffer, anyText: boolean) {
    this.body = body;
    this.anyText = anyText;
  }

  skip(bytes: number): void {
    this.offset += bytes;
    if (!(this.offset <= this.body.length)) throw undecodable('the bytes end too early');
  }

  /** Zigzag varint; exact up to 2^53, and beyond that large enough for every bound to refuse it. */
  long(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; scale *= 128, count++) {
      const byte = this.body[this.offset++];
      if (byte === undefined) throw undecodable('the bytes end too early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw undecodable('a number is longer than 10 bytes');
  }

  length(): number {
    const length = this.long();
    if (length < 0 || length > this.body.length - this.offset)
      throw undecodable('a length reaches past the end');
    return length;
  }
}

const PRIMITIVES: Readonly<Record<string, Step>> = {
  null: () => {},
  boolean: (at) => {
    at.skip(1);
    if ((at.body[at.offset - 1] ?? 2) > 1) throw undecodable('a boolean is neither 0 nor 1');
  },
  int: (at) => {
    const value = at.long();
    if (value < -(2 ** 31) || value >= 2 ** 31) throw undecodable('an int does not fit 32 bits');
  },
  long: (at) => {
    if (!Number.isSafeInteger(at.long())) throw undecodable('a long is beyond 2^53 - 1');
  },
  float: (at) => {
    at.skip(4);
    requireFinite(at.body.readFloatLE(at.offset - 4));
  },
  double: (at) => {
    at.skip(8);
    requireFinite(at.body.readDoubleLE(at.offset - 8));
  },
  bytes: (at) => at.skip(at.length()),
  string: (at) => {
    const length = at.length();
    const start = at.offset;
    at.skip(length);
    if (!at.anyText) requireUtf8(at.body, start, at.offset);
  },
};

class Compiler {
  readonly #named = new Map<string, Step>();

  compile(schema: Schema, namespace: string): Step {
    if (typeof schema === 'string') return this.#reference(schema, namespace);
    if (Array.isArray(schema)) return this.#union(schema as readonly Schema[], namespace);
    const object = schema as SchemaObject;
    switch (object.type) {
      case 'record':
      case 'error':
        return this.#record(object, namespace);
      case 'enum':
        return this.#define(object, namespace, enumStep(object.symbols?.length ?? 0));
      case 'fixed':
        return this.#define(object, namespace, (at) => at.skip(object.size ?? 0));
      case 'array':
        return blocksStep(this.compile(object.items ?? 'null', namespace));
      case 'map':
        return blocksStep(this.#mapEntry(object, namespace));
      default:
        return this.compile(object.type, namespace);
    }
  }

  #reference(name: string, namespace: string): Step {
    const step = PRIMITIVES[name] ?? this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (step === undefined)
      throw new FirstFiveError('SCHEMA_INCOMPATIBLE', `the schema names an unknown type ${name}`);
    return step;
  }

  #define(schema: SchemaObject, namespace: string, step: Step): Step {
    this.#named.set(fullName(schema.name ?? '', schema.namespace ?? namespace), step);
    return step;
  }

  #record(schema: SchemaObject, outer: string): Step {
    const namespace = schema.namespace ?? outer;
    const fields: Step[] = [];
    const step = this.#define(schema, outer, (at) => {
      for (const field of fields) field(at);
    });
    // After the name is known: a record may hold itself.
    for (const field of schema.fields ?? []) fields.push(this.compile(field.type, namespace));
    return step;
  }

  #union(schemas: readonly Schema[], namespace: string): Step {
    const branches = schemas.map((schema) => this.compile(schema, namespace));
    return (at) => {
      const branch = branches[at.long()];
      if (branch === undefined) throw undecodable('a union names a branch that it does not have');
      branch(at);
    };
  }

  #mapEntry(schema: SchemaObject, namespace: string): Step {
    const value = this.compile(schema.values ?? 'null', namespace);
    return (at) => {
      (PRIMITIVES.string as Step)(at);
      value(at);
    };
  }
}

function enumStep(symbols: number): Step {
  return (at) => {
    const symbol = at.long();
    if (symbol < 0 || symbol >= symbols) throw undecodable('an enum names a symbol that it does not have');
  };
}

/** Arrays and maps: blocks of a count and that many entries; a negative count is followed by the block's size in bytes. */
function blocksStep(entry: Step): Step {
  return (at) => {
    for (;;) {
      const count = at.long();
      if (count === 0) return;
      if (count < 0 && at.length() < -count) throw undecodable('a block is smaller than its count');
      if (Math.abs(count) > at.body.length - at.offset) throw undecodable('a count reaches past the end'); // C1
      for (let i = Math.abs(count); i > 0; i--) entry(at);
    }
  };
}

/** Most text is ASCII up to its end or nearly so: only what follows is handed over. */
function requireUtf8(body: Buffer, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    if ((body[i] ?? 0) < 0x80) continue;
    if (!isUtf8(body.subarray(i, end)))
      throw new FirstFiveError('TEXT_NOT_UTF8', 'a text of the record is not UTF-8');
    return;
  }
}

function requireFinite(value: number): void {
  if (!Number.isFinite(value))
    throw new FirstFiveError('VALUE_NOT_FINITE', 'a number of the record is not finite');
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

export function undecodable(message: string, cause?: unknown): FirstFiveError {
  return new FirstFiveError('RECORD_UNDECODABLE', message, cause === undefined ? {} : { cause });
}
