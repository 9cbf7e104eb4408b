/* The pages of docs/errors, embedded when the command is built. */
#ifndef TG_CLI_PAGES_H
#define TG_CLI_PAGES_H

/* Markdown text of a code's page ("E0402"), or null. */
const char *tg_error_page(const char *code);

#endif
