// The Node.js handlers of the differential suite: `/name/...` is answered by the function `name` of a module beside.
const handlers = {};
for (const name of ['results', 'responses', 'streams', 'errors', 'inputs', 'events', 'published']) {
  Object.assign(handlers, require(`./${name}.js`));
}

// Kyma's server finds an arrow function in this form, and not in a literal for module.exports.
exports.main = (event, context, send) => {
  const name = event.extensions.request.path.split('/')[1];
  return handlers[name](event, context, send);
};
