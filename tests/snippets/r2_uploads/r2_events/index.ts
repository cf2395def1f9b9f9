export default {
  fetch: () => new Response(null, { status: 404 }),
  queue(batch) {
    for (const message of batch.messages) console.log(`dead letter ${JSON.stringify(message.body)}`);
  },
} satisfies ExportedHandler;
