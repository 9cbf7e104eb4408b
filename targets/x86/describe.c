/* The plan as text (`tegula compile --emit plan`): one line per nest, in the order of the code, for the fast variant.
 *
 *   nest i | j x16 *4: fill %e, reduce add -> %s      loops over i, then over j in 4 vectors of 16 lanes
 *   nest p q by 6 c x8 *1 | r s: …                    6 points of q at a time
 *
 * `|` stands before the axes that are reduced or scanned. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/x86_internal.h"

static void put_axis(const tg_x86_nest *n, const tg_axis *a, tg_strbuf *out) {
    tg_strbuf_printf(out, " %s", a->name ? a->name : "?");
    if (a == n->vector) {
        tg_strbuf_printf(out, " x%u *%u", n->lanes, n->unroll);
    }
    if (a == n->partner) {
        tg_strbuf_puts(out, " beside");
    }
    if (a == n->tile || a == n->band) {
        tg_strbuf_printf(out, " by %u", a == n->tile ? n->tile_points : n->band_points);
    }
}

static void put_value(const tg_value *v, tg_strbuf *out) {
    if (v->name) {
        tg_strbuf_printf(out, " %%%s", v->name);
    } else {
        tg_strbuf_printf(out, " %%%u", v->id);
    }
}

static void put_root(const tg_x86_root *r, tg_strbuf *out) {
    if (!r->op) {
        tg_strbuf_puts(out, " copy");
        put_value(r->value, out);
        return;
    }
    tg_strbuf_printf(out, " %s%s", r->kind == TG_X86_ROOT_FILL ? "fill " : "", tg_op_info_of(r->op->opcode)->mnemonic);
    tg_enum fn = tg_op_enum(r->op, TG_ATTR_FN, TG_ENUM_NONE);
    if (fn != TG_ENUM_NONE) {
        tg_strbuf_printf(out, " %s", tg_enum_name(fn));
    }
    if (r->op->n_results) {
        tg_strbuf_puts(out, " ->");
        put_value(tg_result(r->op, 0), out);
    }
}

void tg_x86_describe_nest(tg_x86 *x, const tg_x86_nest *n) {
    if (!x->unit && !x->options->baseline) {
        return;
    }
    tg_strbuf *out = &x->plan_text;
    if (n->dot) {
        tg_x86_dot_describe(x, n->dot, out);
        return;
    }
    tg_strbuf_puts(out, "nest");
    for (uint32_t i = 0; i < n->n_outer; i++) {
        put_axis(n, n->outer[i], out);
    }
    for (uint32_t i = 0; i < n->n_inner; i++) {
        tg_strbuf_puts(out, i ? "" : " |");
        put_axis(n, n->inner[i], out);
    }
    for (uint32_t i = 0; i < n->roots.len; i++) {
        tg_strbuf_puts(out, i ? "," : ":");
        put_root(&n->roots.data[i], out);
    }
    tg_strbuf_putc(out, '\n');
}
