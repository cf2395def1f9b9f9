import { DurableObject } from "cloudflare:workers";
import { nothingHere, problem } from "../../http";

export class Cart extends DurableObject<Env> {
  // --8<-- [start:wrong]
  #items: string[] = []; // lives until the object sleeps, moves, or is deployed

  addToMemory(item: string): void {
    this.#items.push(item);
  }
  // --8<-- [end:wrong]

  // --8<-- [start:right]
  addToStorage(item: string): void {
    this.ctx.storage.kv.put("items", [...this.#stored(), item]);
  }

  #stored(): string[] {
    return this.ctx.storage.kv.get<string[]>("items") ?? [];
  }
  // --8<-- [end:right]

  counts(): { memory: number; storage: number } {
    return { memory: this.#items.length, storage: this.#stored().length };
  }
}

export default {
  async fetch(request, _env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    const cart = ctx.exports.Cart.getByName("ana");
    if (request.method === "GET" && pathname === "/cart")
      return Response.json(await cart.counts());
    if (request.method !== "POST" || pathname !== "/cart") return nothingHere();
    const item = searchParams.get("item") ?? "";
    if (!/^[a-z]{1,20}$/.test(item))
      return problem(400, "invalid_item", "An item is a word of up to 20 letters.");
    await cart.addToMemory(item);
    await cart.addToStorage(item);
    return Response.json(await cart.counts(), { status: 201 });
  },
} satisfies ExportedHandler<Env>;
