import { nothingHere } from "../../http";

export default { fetch: nothingHere } satisfies ExportedHandler;
