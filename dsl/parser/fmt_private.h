/* What the files of the formatter share.
 *
 * A fmt_text is one logical line with the places where it may be broken; fmt_wrap.c breaks it.
 * fmt_expr.c and fmt_decl.c write expressions, types and headers into texts; fmt.c puts texts,
 * blocks and comments together. */
#ifndef TG_PARSER_FMT_PRIVATE_H
#define TG_PARSER_FMT_PRIVATE_H

#include "dsl/parser/ast.h"

enum { TG_FMT_WIDTH = 100, TG_FMT_INDENT = 4, TG_FMT_NEST = 16 };

typedef struct fmt_break {
    size_t at;      /* offset of the space that becomes a line break */
    uint32_t level; /* lower ones are broken first: commas, loose operators, inside brackets */
} fmt_break;

typedef struct fmt_text {
    tg_arena *arena;
    const tg_source *source; /* for the spelling of strings; may be null */
    tg_strbuf text;
    TG_VEC(fmt_break) breaks;
    uint32_t level; /* of the brackets that are open */
} fmt_text;

/* fmt_wrap.c */
void tg_fmt_text_init(fmt_text *t, tg_arena *arena, const tg_source *source);
void tg_fmt_puts(fmt_text *t, const char *text);
void tg_fmt_space(fmt_text *t, uint32_t level); /* a space that may be a line break */
void tg_fmt_comma(fmt_text *t);
void tg_fmt_open(fmt_text *t, const char *bracket);
void tg_fmt_close(fmt_text *t, const char *bracket);
bool tg_fmt_fits(const fmt_text *t, int indent, size_t more);
void tg_fmt_wrap(const fmt_text *t, int indent, int continued, tg_strbuf *out);

/* fmt_expr.c */
void tg_fmt_expr(fmt_text *t, const tg_expr *e);
void tg_fmt_args(fmt_text *t, const tg_arg *args, uint32_t n); /* without brackets */
void tg_fmt_type(fmt_text *t, const tg_tref *type);
void tg_fmt_string(fmt_text *t, const char *text, uint32_t len); /* quoted and escaped */
const char *tg_fmt_operator(tg_operator op);                     /* "+", "min" … */

/* fmt_decl.c */
void tg_fmt_simple(fmt_text *t,
                   const tg_stmt *s); /* a statement without a body, without its `;` */
void tg_fmt_head(fmt_text *t, const tg_stmt *s); /* `for (k in K)`, `if (c)`, `grid (…)` … */
void tg_fmt_kernel_head(fmt_text *t, const tg_item *item);
void tg_fmt_fn_head(fmt_text *t, const tg_item *item);
void tg_fmt_short_item(fmt_text *t,
                       const tg_item *item); /* items without a block, with their `;` */
void tg_fmt_tune_head(fmt_text *t, const tg_item *item);
void tg_fmt_titem(fmt_text *t, const tg_titem *item);

#endif
