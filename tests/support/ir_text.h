/* What tests of the IR and its passes share: an arena with everything that reading needs,
 * and text in, text out. */
#ifndef TG_TESTS_IR_TEXT_H
#define TG_TESTS_IR_TEXT_H

#include "dsl/ir/ir.h"

typedef struct ir_text {
    tg_unwind unwind;
    tg_arena *arena;
    tg_interner *names;
    tg_sources sources;
    tg_diags diags;
} ir_text;

void ir_text_init(ir_text *t);
void ir_text_fini(ir_text *t);
tg_func *ir_text_read(ir_text *t, const char *text); /* null: see diags */
const char *ir_text_print(ir_text *t, const tg_func *f);
const char *ir_text_diags(ir_text *t);
/* NUL-terminated contents in the arena, or null. `path` is relative to the source tree. */
const char *ir_text_load(ir_text *t, const char *path);
/* Calls fn for every file of a folder of the source tree whose name ends in `suffix`,
 * sorted; returns their number. */
typedef void (*ir_text_fn)(const char *path, void *user);
uint32_t ir_text_each(ir_text *t, const char *folder, const char *suffix, ir_text_fn fn,
                      void *user);

#endif
