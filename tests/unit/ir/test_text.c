/* The text form: everything in tests/ir reads, verifies, prints and reads again to the same
 * text; clones print equally; malformed text gives a diagnostic. */
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>
#include <string.h>

static void round_trip(const char *path, void *user) {
    ir_text *t = user;
    const char *text = ir_text_load(t, path);
    tg_func *f = ir_text_read(t, text);
    cr_assert_not_null(f, "%s: %s", path, ir_text_diags(t));
    const char *broken = tg_ir_verify(f, t->arena);
    cr_expect_null(broken, "%s: %s", path, broken);
    const char *once = ir_text_print(t, f);
    tg_func *again = ir_text_read(t, once);
    cr_assert_not_null(again, "%s: %s", path, ir_text_diags(t));
    cr_expect_str_eq(ir_text_print(t, again), once, "%s does not print equally", path);
    tg_func *clone = tg_func_clone(f, t->arena, NULL);
    cr_expect_null(tg_ir_verify(clone, t->arena), "%s: clone is broken", path);
    cr_expect_str_eq(ir_text_print(t, clone), once, "%s: clone prints differently", path);
}

Test(ir_text, round_trip) {
    ir_text t;
    ir_text_init(&t);
    uint32_t n = ir_text_each(&t, "tests/ir", ".tir", round_trip, &t);
    cr_expect_geq(n, 50u);
    ir_text_fini(&t);
}

typedef struct coverage {
    ir_text *t;
    uint32_t seen[TG_OP_COUNT];
} coverage;

static void count_op(tg_op *op, void *user) {
    ((coverage *)user)->seen[op->opcode]++;
}

static void count_file(const char *path, void *user) {
    coverage *c = user;
    tg_func *f = ir_text_read(c->t, ir_text_load(c->t, path));
    cr_assert_not_null(f, "%s", path);
    tg_ir_walk(f, count_op, c);
}

Test(ir_text, corpus_covers_every_operation) {
    ir_text t;
    ir_text_init(&t);
    coverage c = {.t = &t};
    ir_text_each(&t, "tests/ir", ".tir", count_file, &c);
    for (uint32_t i = 0; i < TG_OP_COUNT; i++) {
        cr_expect(c.seen[i] > 0, "no text uses %s", tg_op_info_of((tg_opcode)i)->mnemonic);
    }
    ir_text_fini(&t);
}

Test(ir_text, numbers_are_exact) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, ir_text_load(&t, "tests/ir/numbers.tir"));
    cr_assert_not_null(f);
    double expected[] = {0.1,       4.9406564584124654e-324, 1.7976931348623157e308, 1e-5,
                         1234.0625, 1099511627775.5};
    uint32_t found = 0;
    for (tg_op *op = f->body.body.first; op; op = op->next) {
        const tg_attr *a = tg_op_attr(op, TG_ATTR_VALUE);
        for (uint32_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            found += a->kind == TG_AK_NUM && a->f == expected[i];
        }
    }
    cr_expect_eq(found, 6u, "%u of 6", found);
    ir_text_fini(&t);
}

static const char *const malformed[] = {
    "",
    "func",
    "func @f",
    "func @f() {",
    "func @f() } {",
    "func @f() { %a = }",
    "func @f() { %a = const {value=} : i64 }",
    "func @f() { %a = const {value=99999999999999999999} : i64 }",
    "func @f() { %a = const {value=0.12345678901234567890} : f64 }",
    "func @f() { %a = const {value=1e} : f64 }",
    "func @f() { %a = const {value=0x} : i64 }",
    "func @f() { %a = const {value=0x1ffffffffffffffp1} : f64 }",
    "func @f() { %a = const {value=nan(0x0)} : f64 }",
    "func @f() { %a = const {value=1, value=2} : i64 }",
    "func @f() { %a = const {colour=1} : i64 }",
    "func @f() { %a = const {value=1} : i65 }",
    "func @f() { %a = const {value=1} : tile<#k x i64> }",
    "func @f() { %a = const {value=1} : tensor<9 x i64> }",
    "func @f() { %a = const {value=1} i64 }",
    "func @f() { %a = const {value=1} : i64 %a = const {value=1} : i64 }",
    "func @f() { %b = neg %a : i64 }",
    "func @f() { %b = frobnicate : i64 }",
    "func @f() { % = const {value=1} : i64 }",
    "func @f() { ! }",
    "func @f() { print {format=\"open }",
    "func @f() { print {format=\"\\q\"} }",
    "func @f() { phase }",
    "func @f() { phase ( {} }",
    "func @f() { cmp {pred=sideways} }",
    "func @f() axes { #a } {}",
    "func @f() axes { #a grid, #a grid } {}",
    "func @f() axes { #a grid like=#b } {}",
    "func @f() flags { slow } {}",
    "func @f() schedule { x = 1 } {}",
    "func @f(%x: f32) {}",
    "func @f(in %x: f32) {}",
    "func @f(in x: tensor<1 x f32>) {}",
    "func @f(in %x: tensor<1 x f32> absent) {}",
    "func @f() {} extra",
};

Test(ir_text, malformed_text_gives_a_diagnostic) {
    for (uint32_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        ir_text t;
        ir_text_init(&t);
        cr_expect_null(ir_text_read(&t, malformed[i]), "accepted: %s", malformed[i]);
        cr_expect_geq(t.diags.n_errors, 1u, "no diagnostic: %s", malformed[i]);
        ir_text_fini(&t);
    }
}

Test(ir_text, nesting_is_limited) {
    ir_text t;
    ir_text_init(&t);
    tg_strbuf s;
    tg_strbuf_init(&s, t.arena);
    tg_strbuf_puts(&s, "func @f() {");
    for (int i = 0; i < 100000; i++) {
        tg_strbuf_puts(&s, "phase () {");
    }
    cr_expect_null(ir_text_read(&t, s.data));
    ir_text_fini(&t);
}
