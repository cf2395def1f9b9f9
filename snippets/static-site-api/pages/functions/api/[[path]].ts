export { handle as onRequest } from "../../site";
