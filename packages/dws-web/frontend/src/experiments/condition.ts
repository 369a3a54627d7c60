// The conditions that a page without a server understands: a part of what `dws history --where` does.
//
//     or         ::= and ("or" and)*             and ::= not ("and" not)*
//     not        ::= "not" not | comparison
//     comparison ::= value (("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" | "like") value
//                    | "is" ["not"] "null" | ["not"] "in" "(" value, … ")" | ["not"] "between" value "and" value)?
//     value      ::= number | 'text' | column | "column with spaces" | "(" or ")"
//
// As in SQL, what is compared with a missing value is neither true nor false.

import type { Row, Value } from "../types";
import type { Field } from "./fields";

type Scalar = Value | undefined;
type Term = (row: Row) => Scalar;

const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([\p{L}_][\p{L}\p{N}_./-]*)|(<=|>=|<>|!=|==|[=<>(),+-]))/iuy;

interface Token {
  kind: "number" | "text" | "name" | "word" | "sign";
  text: string;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) {
      throw new Error(`It cannot be read from here: ${text.slice(at, at + 20).trim()}`);
    }
    const [, number, string, name, word, sign] = match;
    if (number !== undefined) found.push({ kind: "number", text: number });
    else if (string !== undefined) found.push({ kind: "text", text: string.replaceAll("''", "'") });
    else if (name !== undefined) found.push({ kind: "name", text: name.replaceAll('""', '"') });
    else if (word !== undefined) found.push({ kind: "word", text: word });
    else found.push({ kind: "sign", text: sign ?? "" });
  }
  return found;
}

const KEYWORDS = new Set(["and", "or", "not", "is", "null", "in", "between", "like", "true", "false"]);

class Parser {
  private at = 0;

  constructor(
    private readonly list: Token[],
    private readonly column: (name: string) => Term,
  ) {}

  all(): Term {
    const term = this.or();
    const rest = this.list[this.at];
    if (rest) {
      throw new Error(`'${rest.text}' is one word too many`);
    }
    return term;
  }

  private takes(text: string): boolean {
    const token = this.list[this.at];
    const fits = token !== undefined && (token.kind === "word" || token.kind === "sign") && token.text.toLowerCase() === text;
    this.at += fits ? 1 : 0;
    return fits;
  }

  private needs(text: string): void {
    if (!this.takes(text)) {
      throw new Error(`'${text}' is missing${this.list[this.at] ? ` before '${this.list[this.at]?.text}'` : ""}`);
    }
  }

  private or(): Term {
    let left = this.and();
    while (this.takes("or")) {
      const [one, other] = [left, this.and()];
      left = (row) => {
        const [a, b] = [truth(one(row)), truth(other(row))];
        return a || b ? true : a === null || b === null ? null : false;
      };
    }
    return left;
  }

  private and(): Term {
    let left = this.not();
    while (this.takes("and")) {
      const [one, other] = [left, this.not()];
      left = (row) => {
        const [a, b] = [truth(one(row)), truth(other(row))];
        return a === false || b === false ? false : a === null || b === null ? null : true;
      };
    }
    return left;
  }

  private not(): Term {
    if (!this.takes("not")) {
      return this.comparison();
    }
    const term = this.not();
    return (row) => negated(truth(term(row)));
  }

  private comparison(): Term {
    const left = this.value();
    for (const sign of ["=", "==", "!=", "<>", "<=", ">=", "<", ">"]) {
      if (this.takes(sign)) {
        const right = this.value();
        return (row) => compared(left(row), right(row), sign);
      }
    }
    if (this.takes("is")) {
      const isNot = this.takes("not");
      this.needs("null");
      return (row) => isMissing(left(row)) !== isNot;
    }
    const isNot = this.takes("not");
    const turned = (found: boolean | null) => (isNot ? negated(found) : found);
    if (this.takes("like")) {
      const right = this.value();
      return (row) => turned(like(left(row), right(row)));
    }
    if (this.takes("between")) {
      const low = this.value();
      this.needs("and");
      const high = this.value();
      return (row) => {
        const [a, b] = [compared(left(row), low(row), ">="), compared(left(row), high(row), "<=")];
        return turned(a === false || b === false ? false : a === null || b === null ? null : true);
      };
    }
    if (this.takes("in")) {
      this.needs("(");
      const values = [this.value()];
      while (this.takes(",")) {
        values.push(this.value());
      }
      this.needs(")");
      return (row) => {
        const found = values.map((value) => compared(left(row), value(row), "="));
        return turned(found.includes(true) ? true : found.includes(null) ? null : false);
      };
    }
    if (isNot) {
      throw new Error("'like', 'in' or 'between' is missing after 'not'");
    }
    return left;
  }

  private value(): Term {
    if (this.takes("(")) {
      const term = this.or();
      this.needs(")");
      return term;
    }
    if (this.takes("-")) {
      const term = this.value();
      return (row) => {
        const value = term(row);
        return typeof value === "number" ? -value : null;
      };
    }
    const token = this.list[this.at++];
    if (!token) {
      throw new Error("A value is missing at its end");
    }
    if (token.kind === "number") {
      const number = Number(token.text);
      return () => number;
    }
    if (token.kind === "text") {
      return () => token.text;
    }
    const lower = token.text.toLowerCase();
    if (token.kind === "word" && KEYWORDS.has(lower)) {
      if (lower === "true" || lower === "false") {
        return () => lower === "true";
      }
      throw new Error(`A value is missing before '${token.text}'`);
    }
    if (token.kind === "sign") {
      throw new Error(`A value is missing before '${token.text}'`);
    }
    return this.column(token.text);
  }
}

const isMissing = (value: Scalar) => value === null || value === undefined;

const negated = (value: boolean | null) => (value === null ? null : !value);

function truth(value: Scalar): boolean | null {
  if (isMissing(value)) {
    return null;
  }
  return typeof value === "string" ? Number.parseFloat(value) !== 0 && !Number.isNaN(Number.parseFloat(value)) : Boolean(value);
}

function compared(a: Scalar, b: Scalar, sign: string): boolean | null {
  if (isMissing(a) || isMissing(b)) {
    return null;
  }
  const [one, other] = [plain(a), plain(b)];
  // As in SQLite, a number is less than a text.
  const order =
    typeof one === typeof other ? (one < other ? -1 : one > other ? 1 : 0) : typeof one === "number" ? -1 : 1;
  switch (sign) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return (order === 0) === (sign === "=" || sign === "==");
  }
}

const plain = (value: Scalar): string | number => (typeof value === "boolean" ? Number(value) : (value as string | number));

function like(value: Scalar, pattern: Scalar): boolean | null {
  if (isMissing(value) || isMissing(pattern)) {
    return null;
  }
  const [text, wanted] = [String(value).toLowerCase(), String(pattern).toLowerCase()];
  // By hand, and not as a regular expression, whose time may grow without bounds.
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    if (from < wanted.length && wanted[from] === "%") {
      [star, mark] = [from, at];
      from += 1;
    } else if (from < wanted.length && (wanted[from] === "_" || wanted[from] === text[at])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      from = star + 1;
      mark += 1;
      at = mark;
    } else {
      return false;
    }
  }
  return [...wanted.slice(from)].every((char) => char === "%");
}

/** A condition over rows; throws an Error that says what is wrong with the text. */
export function condition(text: string, fields: Field[]): (row: Row) => boolean {
  const column = (name: string): Term => {
    const wanted = name.toLowerCase();
    if (wanted === "tags" || wanted === "tag") {
      return (row) => (row.tags?.length ? row.tags.join(", ") : row.hash === "now" ? null : "");
    }
    const found = ["metric", "parameter", "about"]
      .map((kind) => fields.find((field) => field.kind === kind && field.name.toLowerCase() === wanted))
      .find(Boolean);
    if (wanted === "hash") {
      return (row) => row.hash;
    }
    if (found) {
      return found.value;
    }
    if (fields.length && !fields.some((field) => field.name.toLowerCase() === wanted)) {
      // A label, where any row has one of the name.
      return (row) => Object.entries(row.labels ?? {}).find(([key]) => key.toLowerCase() === wanted)?.[1] ?? null;
    }
    throw new Error(`There is no column '${name}'`);
  };
  const term = new Parser(tokens(text), column).all();
  return (row) => truth(term(row)) === true;
}
