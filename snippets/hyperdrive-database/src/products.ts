import type { Client } from "pg";
import { HttpError } from "./http";

const SKU = /^[A-Z0-9-]{1,40}$/;
const MOST_PRODUCTS = 100;
const LONGEST_SEARCH = 50;

export type Product = { sku: string; name: string; priceCents: number; onHand: number };
export type Page = { products: Product[]; next: string | null };
export type Wanted = { after: string; limit: number; search: string };

export const FIRST_PAGE: Wanted = { after: "", limit: 20, search: "" };

// --8<-- [start:list]
// Hyperdrive caches by text and parameters. So: one text, no NOW(), no RANDOM().
const LIST = `
  SELECT p.sku, p.name, p.price_cents AS "priceCents", s.on_hand AS "onHand"
  FROM products p JOIN stock s ON s.product_id = p.id
  WHERE p.sku > $1 AND strpos(lower(p.name), lower($2)) > 0
  ORDER BY p.sku
  LIMIT $3`;

/** A page starts after the last product of the page before, so none is skipped. */
export async function listProducts(client: Client, wanted: Wanted): Promise<Page> {
  const parameters = [wanted.after, wanted.search, wanted.limit + 1];
  const { rows } = await client.query<Product>(LIST, parameters);
  const products = rows.slice(0, wanted.limit);
  const more = rows.length > products.length;
  return { products, next: more ? (products.at(-1)?.sku ?? null) : null };
}
// --8<-- [end:list]

export function parseWanted(query: URLSearchParams): Wanted {
  for (const name of new Set(query.keys())) {
    if (!["after", "limit", "q"].includes(name) || query.getAll(name).length > 1) {
      throw invalid('Give "after", "limit" and "q", each at most once.');
    }
  }
  const after = query.get("after") ?? FIRST_PAGE.after;
  if (after !== "" && !SKU.test(after)) throw invalid('"after" must be a SKU.');
  const limit = query.get("limit") ?? `${FIRST_PAGE.limit}`;
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > MOST_PRODUCTS) {
    throw invalid(`"limit" must be a whole number from 1 to ${MOST_PRODUCTS}.`);
  }
  const search = query.get("q") ?? FIRST_PAGE.search;
  if (search.length > LONGEST_SEARCH || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(search)) {
    throw invalid(`"q" must be a text of at most ${LONGEST_SEARCH} characters.`);
  }
  return { after, limit: Number(limit), search };
}

function invalid(message: string): HttpError {
  return new HttpError(400, "invalid_query", message);
}
