const sdk = require('sdk');

/**
 * @param {import('./function').Request} request
 * @param {import('./function').Response} response
 */
function main(request, response) {
  const event = sdk.getCloudEvent(request);
  if (!event) return void response.status(400).json({ error: 'expected a CloudEvent' });
  console.log('received', event.type, event.id);
  response.json({ received: event.data });
}

module.exports = { main };
