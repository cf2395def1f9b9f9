import { DurableObject, RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

/** One tenant's database. */
export class LocalDatabase extends DurableObject<Env> {
  query(sql: string, values: SqlStorageValue[]) {
    return this.ctx.storage.sql.exec(sql, ...values).toArray();
  }
}

class Statement extends RpcTarget {
  constructor(
    private readonly database: DurableObjectStub<LocalDatabase>,
    private readonly sql: string,
    private readonly values: SqlStorageValue[] = [],
  ) {
    super();
  }

  bind(...values: SqlStorageValue[]): Statement {
    return new Statement(this.database, this.sql, values);
  }

  async all() {
    return { success: true, results: await this.database.query(this.sql, this.values) };
  }

  async first() {
    return (await this.all()).results[0] ?? null;
  }

  run() {
    return this.all();
  }
}

/** The part of D1's binding that the sample tenants use: prepare, bind, all, first, run. */
export class TenantDatabase extends WorkerEntrypoint<Env, { tenant: string }> {
  prepare(sql: string): Statement {
    const { tenant } = this.ctx.props;
    return new Statement(this.ctx.exports.LocalDatabase.getByName(tenant), sql);
  }
}
