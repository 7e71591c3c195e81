import type { Request, Response } from './function.d.ts';

export function main(request: Request, response: Response): void {
  const { name = 'World' } = request.query;
  response.type('text/plain').send(`Hello ${name}!`);
}
