/* Writes docs/ops.md: one row per operation, from the same table as the compiler's code. */
#include "tools/gen_ops_doc.h"

#include <string.h>

static const struct row {
    const char *name, *operands, *results, *attrs, *effect, *regions, *grad, *doc;
} rows[] = {
#define OP(e, mnemonic, operands, results, attrs, effect, regions, diff, doc)                  \
    {mnemonic, operands, results, attrs, #effect, #regions, #diff, doc},
#include "dsl/ir/ops.def"
#undef OP
};

static const struct attr_row {
    const char *key, *kind;
} attr_rows[] = {
#define ATTR(e, key, kind) {key, #kind},
#include "dsl/ir/attrs.def"
#undef ATTR
};

static const char head[] =
    "# Operations of the tile IR\n\n"
    "Written by `tools/gen_ops_doc` from `dsl/ir/ops.def`; do not edit. docs/tile-ir.md "
    "explains the terms.\n\n"
    "Operands: `n` numeric or bool tile, `f` float, `i` integer, `b` bool, `c` complex or "
    "float, `I` i64 scalar, `s` scalar, "
    "`x` tensor, `=` dtype of the first tile operand; `?` optional, `*` any number. "
    "Attributes: `!` required. "
    "Effects: R reads memory, W writes it, A atomic, X control, IO. "
    "Gradient: `vjp` has a rule, `lin` linear, `0` none flows, `stop` refused.\n\n"
    "| operation | operands | result | attributes | effect | regions | gradient | meaning |\n"
    "|---|---|---|---|---|---|---|---|\n";

/* `|` separates cells of a table */
static void put_cell(tg_strbuf *out, const char *text, bool code) {
    tg_strbuf_puts(out, code && *text ? " `" : " ");
    for (; *text; text++) {
        tg_strbuf_puts(out, *text == '|' ? "\\" : "");
        tg_strbuf_putc(out, *text);
    }
    tg_strbuf_puts(out, out->data[out->len - 1] != ' ' && code ? "` |" : " |");
}

void gen_ops_doc(tg_strbuf *out) {
    tg_strbuf_puts(out, head);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        tg_strbuf_putc(out, '|');
        put_cell(out, r->name, true);
        put_cell(out, r->operands, true);
        put_cell(out, r->results, false);
        put_cell(out, r->attrs, true);
        put_cell(out, strcmp(r->effect, "-") == 0 ? "" : r->effect, false);
        put_cell(out, strcmp(r->regions, "0") == 0 ? "" : r->regions, false);
        put_cell(out, r->grad, false);
        put_cell(out, r->doc, false);
        tg_strbuf_putc(out, '\n');
    }
    tg_strbuf_puts(out, "\n## Attributes\n\n| key | kind |\n|---|---|\n");
    for (size_t i = 0; i < sizeof attr_rows / sizeof *attr_rows; i++) {
        tg_strbuf_printf(out, "| `%s` | %s |\n", attr_rows[i].key, attr_rows[i].kind);
    }
}
