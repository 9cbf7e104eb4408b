/* Loading modules in tests: an arena, diagnostics and a loader that reads files. */
#ifndef TG_TEST_ELAB_LOAD_H
#define TG_TEST_ELAB_LOAD_H

#include "dsl/parser/elab.h"

typedef struct loaded {
    tg_unwind unwind;
    tg_arena *arena;
    tg_interner *names;
    tg_sources sources;
    tg_diags diags;
    tg_unit *unit;
} loaded;

/* `path` is for messages and relative imports. */
void load_text(loaded *l, const char *path, const char *text);
void load_file(loaded *l, const char *path); /* relative to the source folder */
void unload(loaded *l);
const char *rendered(loaded *l); /* all diagnostics as text */
/* Instantiates with the given types and constants; null types: first members, null constants:
 * defaults or 4. */
tg_func *instantiate(loaded *l, const char *kernel, const tg_dtype *types,
                     const tg_scalar *consts, const bool *present);
/* Every kernel for every member of each type parameter (the others at their first): how many
 * functions. */
unsigned instantiate_all(loaded *l);
const char *printed(loaded *l, const tg_func *f);
unsigned count_ops(tg_func *f, tg_opcode op);

#endif
