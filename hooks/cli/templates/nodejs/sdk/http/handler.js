/**
 * @param {import('./function').Request} request
 * @param {import('./function').Response} response
 */
function main(request, response) {
  const { name = 'World' } = request.query;
  response.type('text/plain').send(`Hello ${name}!`);
}

module.exports = { main };
