// Questions to the server that the page came from.

/** What the server answers; an error in words if it does not. */
export async function ask(question, asked = {}) {
  let answer;
  try {
    answer = await fetch(address(question, asked));
  } catch {
    throw new Error("The server does not answer. It ends with the command that started it.");
  }
  if (answer.status === 403) throw new Error("The server was started anew: open the address that it printed.");
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

/** The address of a question; what is null or empty is not asked. */
export function address(question, asked) {
  const given = Object.entries(asked).filter(([, value]) => value != null && value !== "");
  return `api/${question}?${new URLSearchParams(given)}`;
}
