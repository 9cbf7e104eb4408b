/* Writes docs/stdlib.md: one row per kernel of the standard library. Names, types and shapes come from the kernels
 * themselves, the rest from stdlib.def. */
#include "tools/gen_stdlib_doc.h"

#include "stdlib/stdlib.h"

#include <string.h>

static const char head[] =
    "# The standard library of kernels\n\n"
    "Written by `tools/gen_stdlib_doc` from `stdlib/stdlib.def` and the kernels' signatures; "
    "do not edit.\n\n"
    "Every kernel is a `.dsl` file in `stdlib/kernels/`, embedded in the library; with "
    "`TEGULA_STDLIB_PATH=DIR` it is "
    "read from that directory instead. From C it is a function of `tegula/ops.h` "
    "(`tg_op_softmax(ctx, x, y)`), or any "
    "kernel by name: `tg_stdlib_launch(ctx, \"softmax\", TG_ARGS(x, y))`. From the command "
    "line: "
    "`tegula run std:softmax --set M=4096 --set N=1000 --check`, `tegula info --stdlib`.\n\n"
    "**Leading dimensions.** A tensor that begins with the first dimension of the kernel's "
    "first tensor may have "
    "several dimensions in its place, or none: softmax takes `X[M, N]` and so any `x[…, n]`. "
    "They are folded into one where the strides of "
    "all tensors allow. Where they do not, kernels marked ✓ are launched once per index of "
    "what is left; the others "
    "report UNSUPPORTED. Kernels marked ∘ work element by element on tensors of any shape.\n\n"
    "**Columns.** FLOPs count a function such as exp as one. Bytes: empty means every tensor "
    "once, `inout` twice. A "
    "type parameter in a formula stands for its bytes per element. Error: the class of section "
    "8 of the "
    "language reference (X exact, C correctly rounded, U a few ulps per operation, R as a sum "
    "over the reduced dimension); "
    "the bound itself is derived from the kernel's arithmetic for every element when it is "
    "checked.\n";

static const char columns[] =
    "\n| kernel | C function | tensors and scalars | FLOPs | bytes | error | gradient | |\n"
    "|---|---|---|---|---|---|---|---|\n";

/* `|` separates cells of a table */
static void put_escaped(tg_strbuf *out, const char *text) {
    for (; text && *text; text++) {
        tg_strbuf_puts(out, *text == '|' ? "\\" : "");
        tg_strbuf_putc(out, *text);
    }
}

static void put_cell(tg_strbuf *out, const char *text, bool code) {
    bool any = text && *text;
    tg_strbuf_puts(out, any && code ? " `" : any ? " " : "");
    put_escaped(out, text);
    tg_strbuf_puts(out, any && code ? "` |" : " |");
}

static void put_type(tg_strbuf *out, const tg_signature *sig, const tg_sig_type *t) {
    if (t->type_param < 0) {
        tg_strbuf_puts(out, tg_dtype_name(t->dtype));
    } else {
        const char *name = sig->tparams[t->type_param].name;
        tg_strbuf_printf(out, t->wide ? "wide(%s)" : "%s", name);
    }
}

static void put_param(tg_strbuf *out, const tg_signature *sig, const tg_sig_param *p) {
    static const char *const kinds[] = {"in", "out", "inout", "", "ptr"};
    bool is_tensor = p->kind <= TG_SP_INOUT;
    tg_strbuf_printf(out, "%s%s%s", p->is_const ? "const " : kinds[p->kind],
                     is_tensor && p->optional ? "?" : "", is_tensor ? " " : "");
    put_type(out, sig, &p->type);
    tg_strbuf_printf(out, " %s", p->name);
    for (uint32_t d = 0; is_tensor && d < p->rank; d++) {
        tg_strbuf_printf(out, "%s%s", d ? ", " : "[", p->shape_text[d]);
    }
    tg_strbuf_puts(out, is_tensor && p->rank ? "]" : "");
}

static void put_types(tg_strbuf *out, const tg_signature *sig) {
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        const tg_sig_tparam *t = &sig->tparams[i];
        tg_strbuf_printf(out, "%s%s:", i ? ", " : "<", t->name);
        for (uint32_t k = 0; k < t->n_members; k++) {
            tg_strbuf_printf(out, " %s", tg_dtype_name(t->members[k]));
        }
    }
    tg_strbuf_puts(out, sig->n_tparams ? "> " : "");
}

static void put_signature(tg_strbuf *out, const tg_signature *sig) {
    tg_strbuf_puts(out, " `");
    put_types(out, sig);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        tg_strbuf_puts(out, i ? "; " : "");
        put_param(out, sig, &sig->params[i]);
    }
    tg_strbuf_puts(out, "` |");
}

static bool put_row(tg_context *context, tg_std_row row, tg_strbuf *out) {
    const tg_std_info *r = &tg_std_table[row];
    tg_kernel *k;
    if (tg_std_kernel(context, row, &k)) {
        return false;
    }
    tg_strbuf_printf(out, "| **%s** — ", r->name);
    put_escaped(out, r->doc);
    tg_strbuf_puts(out, " |");
    tg_strbuf_printf(out, r->via ? " `%s` |" : " `tg_op_%s` |", r->via ? r->via : r->name);
    put_signature(out, k->signature);
    put_cell(out, r->flops, true);
    put_cell(out, r->bytes, true);
    put_cell(out, r->error, false);
    put_cell(out, r->grad, true);
    put_cell(out, r->pointwise ? "∘" : r->independent ? "✓" : "", false);
    tg_strbuf_putc(out, '\n');
    return true;
}

bool gen_stdlib_doc(tg_context *context, tg_strbuf *out) {
    tg_strbuf_puts(out, head);
    for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
        const char *file = tg_std_table[i].file;
        if (i == 0 || strcmp(file, tg_std_table[i - 1].file)) {
            tg_strbuf_printf(out, "\n## %s\n%s", file, columns);
        }
        if (!put_row(context, (tg_std_row)i, out)) {
            return false;
        }
    }
    return true;
}
