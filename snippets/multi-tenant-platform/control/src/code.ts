import type { Script } from "../../deployer/src/index";
import { invalid, only } from "./body";

const MODULES_MAX = 50;
const MODULE_NAME = /^[a-z0-9_][a-z0-9_-]*(\/[a-z0-9_][a-z0-9_-]*){0,4}\.js$/;

// --8<-- [start:code]
/** Check what a tenant uploads. Cloudflare's API compiles it later and refuses bad syntax. */
export function scriptOf(body: Record<string, unknown>): Script {
  only(body, "main", "modules");
  const { main, modules } = body;
  if (typeof modules !== "object" || modules === null || Array.isArray(modules))
    throw invalid("modules is an object of names and texts.");
  const names = Object.keys(modules);
  if (names.length < 1 || names.length > MODULES_MAX)
    throw invalid(`There are 1 to ${MODULES_MAX} modules.`);
  // "metadata" is a part of the upload itself; the pattern wants .js, so it cannot be one.
  const bad = names.find((name) => name.length > 100 || !MODULE_NAME.test(name));
  if (bad !== undefined) throw invalid("A module's name is like lib/cart.js, in lower case.");
  if (!Object.values(modules).every((text) => typeof text === "string"))
    throw invalid("A module's text is a string.");
  if (typeof main !== "string" || !Object.hasOwn(modules, main))
    throw invalid("main names one of the modules.");
  return { main, modules: modules as Record<string, string> };
}
// --8<-- [end:code]
