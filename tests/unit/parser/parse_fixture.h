/* Parsing a text in a test: one arena with everything in it. */
#ifndef TG_TESTS_PARSE_FIXTURE_H
#define TG_TESTS_PARSE_FIXTURE_H

#include "dsl/parser/ast.h"

typedef struct parsed {
    tg_unwind unwind;
    tg_arena *arena;
    tg_sources sources;
    tg_diags diags;
    tg_file *file;
    const char *dump;      /* tg_ast_dump */
    const char *messages;  /* rendered */
    const char *formatted; /* null after errors */
} parsed;

parsed *parse_text(const char *text, size_t len); /* freed by parsed_free */
void parsed_free(parsed *p);
bool parsed_has(const parsed *p, tg_diag_code code);

/* Text of a file below the source folder; freed with free(). */
char *read_source(const char *path, size_t *len);
extern const char *const corpus_files[5];

/* Applies all edits of all diagnostics; freed with free(). */
char *apply_edits(const parsed *p, const char *text);

#endif
