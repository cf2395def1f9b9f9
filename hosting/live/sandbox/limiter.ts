/** Counts in memory, in whole periods, as the local runtime does. */
export function limiter(limit: number, periodS: number): RateLimit {
  const counts = new Map<string, number>();
  let period = 0;
  return {
    async limit({ key }) {
      const now = Math.floor(Date.now() / 1000 / periodS);
      if (now !== period) counts.clear();
      period = now;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { success: count <= limit };
    },
  };
}
