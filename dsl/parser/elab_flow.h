/* Shared by elab_flow.c and elab_loop.c: which variables and flags a statement may change, and
 * how values cross the border of a
 * region. */
#ifndef TG_PARSER_ELAB_FLOW_H
#define TG_PARSER_ELAB_FLOW_H

#include "dsl/parser/elab_internal.h"

/* break, continue (of the loop around the statement) and return inside a statement */
typedef struct tg_exits {
    bool stop, skip, leave;
} tg_exits;

/* variables that cross a region's border */
typedef struct tg_carried {
    tg_syms syms;
    const tg_type **types;
    tg_value **values;
    tg_ev *before;
} tg_carried;

typedef void (*tg_flow_fn)(tg_elab *e, const void *what);

/* `inner`: inside a loop of the statement, whose break and continue are its own affair */
void tg_flow_find_exits(const tg_stmt *s, bool inner, tg_exits *out);
/* Variables and flags in scope here that the statement may assign. */
void tg_flow_find_changed(tg_elab *e, const tg_stmt *s, tg_syms *out);
/* The flag of `return`, or null. */
tg_sym *tg_flow_returned(const tg_elab *e);
/* Fills types and `before` for c->syms. */
void tg_flow_open_carried(tg_elab *e, tg_carried *c);
void tg_flow_current_values(tg_elab *e, const tg_carried *c, tg_value **out);
void tg_flow_set_values(const tg_carried *c, tg_value *const *v);
void tg_flow_set_results(const tg_carried *c, tg_op *op);
void tg_flow_enter_region(tg_elab *e, tg_op *op, uint32_t r);
tg_value **tg_flow_add_arguments(tg_elab *e, tg_op *op, uint32_t r, const tg_carried *c);
/* May the current function run under a mask over the axes of v? */
bool tg_flow_maskable(tg_elab *e, const tg_value *v);
/* Runs fn where `more` holds too. */
void tg_flow_run_masked(tg_elab *e, tg_value *more, tg_flow_fn fn, const void *data);
/* Runs fn where `left` is false: under `if` for a scalar, else under a mask. */
void tg_flow_run_unless(tg_elab *e, const tg_ev *left, tg_syms syms, tg_flow_fn fn,
                        const void *data);
/* Reports E0312. */
bool tg_flow_scalar_condition(tg_elab *e, const tg_value *v, const tg_expr *x);
/* "Some flag is set": known, or a value. */
tg_ev tg_flow_any_flag(tg_elab *e, bool with_skip);
void tg_flow_add_symbol(tg_elab *e, tg_syms *out, tg_sym *s);
tg_value *tg_flow_both(tg_elab *e, tg_value *a, tg_value *b); /* a && b; either may be null */

#endif
