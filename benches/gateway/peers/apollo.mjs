// Apollo's federation gateway on Node before the departments' GraphQL. It plans, asks all six side by side and merges; no
// TLS, no token, no checks of what comes back beyond the types, no rules, nothing kept.
//
// Arguments: own port, first plain port of the departments, file to write the composed supergraph to.
import { writeFileSync } from "node:fs";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { ApolloGateway, LocalCompose } from "@apollo/gateway";
import { parse } from "graphql";

const [port, first, file] = process.argv.slice(2);
const departments = ["education", "hrss", "housing", "health", "emergency", "medical_insurance"];
const types = (department) => parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@shareable"])
  type Query { ${department}: Answer }
  type Answer @shareable { version: String! results: [Result!]! }
  type Result @shareable { ref: String! id_number: String dataset: String! status: String! facts: [Fact!]! }
  type Fact @shareable { category: String kind: String amount: String from: String to: String dedupe_key: String }
`);
const localServiceList = departments.map((name, index) => ({
  name,
  typeDefs: types(name),
  url: `http://127.0.0.1:${Number(first) + index}/graphql`,
}));
const compose = new LocalCompose({ localServiceList });
const supergraphSdl = {
  async initialize(options) {
    const composed = await compose.initialize(options);
    writeFileSync(file, composed.supergraphSdl);
    return composed;
  },
};
const server = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl }) });
await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: Number(port) } });
