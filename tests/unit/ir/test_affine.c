/* Affine forms and ranges of index expressions, read from text: the form of every value named
 * a0, a1 … is compared with what the test says, and every access is checked for the
 * dimensions that can be proved. */
#include "dsl/ir/affine.h"
#include "dsl/ir/range.h"
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const text =
    "func @f(in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>, scalar %s: i64, in %I: tensor<1 "
    "x i64>)\n"
    "axes { #i grid block=8, #c local extent=32 } {\n"
    "%zero = const {value=0} : i64 %N = dim %X {d=0} : i64 %M = dim %X {d=1} : i64\n"
    "%eight = const {value=8} : i64 %three = const {value=3} : i64 %k32 = const {value=32} : "
    "i64\n"
    "%ns = mul %N, %s : i64\n"
    "%YN = dim %Y {d=0} : i64 %ok = cmp %YN, %N {pred=eq} : bool assume %ok\n"
    "phase () { par %N, %zero, %N {axis=#i} () {\n"
    "axis %k32, %zero, %k32 {axis=#c}\n"
    "%i = iota {axis=#i} : tile<#i x i64> %c = iota {axis=#c} : tile<#c x i64>\n"
    "%t0 = mul %i, %eight : tile<#i x i64> %a0 = add %t0, %c : tile<#i, #c x i64>\n"
    "%a1 = sub %N, %i : tile<#i x i64>\n"
    "%t2 = mul %i, %s : tile<#i x i64> %a2 = add %t2, %three : tile<#i x i64>\n"
    "%t3 = shl %c, %three : tile<#c x i64> %a3 = neg %t3 : tile<#c x i64>\n"
    "%a4 = add %ns, %i : tile<#i x i64>\n"
    "%a5 = sub %i, %i : tile<#i x i64>\n"
    "%q = div %c, %eight : tile<#c x i64> %r = rem %c, %eight : tile<#c x i64>\n"
    "%b6 = add %q, %i : tile<#i, #c x i64>\n"
    "%g = load %I, %i : tile<#i x i64>\n"
    "%x0 = load %X, %i, %c : tile<#i, #c x f32>\n"
    "%y0 = add %i, %three : tile<#i x i64> %x1 = load %X, %y0, %c : tile<#i, #c x f32>\n"
    "%last = sub %N, %three : i64 %x2 = load %X, %a1, %zero : tile<#i x f32>\n"
    "%lim = sub %M, %eight : i64 %hi = max %g, %zero : tile<#i x i64> %t7 = sub %N, %three : "
    "i64\n"
    "%one = const {value=1} : i64 %n1 = sub %N, %one : i64 %cl = min %hi, %n1 : tile<#i x "
    "i64>\n"
    "%x3 = load %X, %cl, %g : tile<#i x f32>\n"
    "%rev0 = sub %n1, %i : tile<#i x i64> %x4 = load %X, %rev0, %c : tile<#i, #c x f32>\n"
    "store %Y, %x4, %i, %c\n"
    "} } }";

typedef struct finder {
    const char *name;
    tg_value *found;
} finder;

static void find_op(tg_op *op, void *user) {
    finder *f = user;
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (op->results[i].name && strcmp(op->results[i].name, f->name) == 0) {
            f->found = &op->results[i];
        }
    }
}

static tg_value *named(tg_func *f, const char *name) {
    finder x = {.name = name};
    tg_ir_walk(f, find_op, &x);
    cr_assert_not_null(x.found, "%s", name);
    return x.found;
}

static const char *form_of(ir_text *t, tg_func *f, const char *name) {
    tg_affine a;
    tg_strbuf s;
    if (!tg_affine_of(t->arena, named(f, name), &a)) {
        return "none";
    }
    tg_strbuf_init(&s, t->arena);
    tg_affine_print(&a, &s);
    return s.data;
}

Test(ir_affine, forms) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, text);
    cr_assert_not_null(f, "%s", ir_text_diags(&t));
    cr_assert_null(tg_ir_verify(f, t.arena));
    cr_expect_str_eq(form_of(&t, f, "a0"), "0 + 8*#i + 1*#c");
    cr_expect_str_eq(form_of(&t, f, "a1"), "0 + 1*%N + -1*#i");
    cr_expect_str_eq(form_of(&t, f, "a2"), "3 + 1*%s*#i");
    cr_expect_str_eq(form_of(&t, f, "a3"), "0 + -8*#c");
    cr_expect_str_eq(form_of(&t, f, "a4"), "0 + 1*%ns + 1*#i");
    cr_expect_str_eq(form_of(&t, f, "a5"), "0");
    cr_expect_str_eq(form_of(&t, f, "q"), "none");
    cr_expect_str_eq(form_of(&t, f, "g"), "none");
    tg_affine a, b;
    int64_t c;
    tg_value *symbol;
    cr_expect(tg_affine_of(t.arena, named(f, "a2"), &a));
    cr_expect(tg_affine_axis_coeff(&a, f->axes.data[0], &c, &symbol) && c == 1 &&
              symbol == f->params[2].value);
    cr_expect(tg_affine_axis_coeff(&a, f->axes.data[1], &c, &symbol) && c == 0 && !symbol);
    cr_expect(tg_affine_of(t.arena, named(f, "a2"), &b) && tg_affine_equal(&a, &b));
    cr_expect(tg_affine_sub(t.arena, &a, &b, &a) && tg_affine_is_constant(&a) &&
              a.constant == 0);
    ir_text_fini(&t);
}

static int64_t proved(ir_text *t, tg_func *f, const tg_facts *facts, tg_op *op) {
    int64_t bits = 0;
    for (uint32_t d = 0; d < tg_op_n_indices(op); d++) {
        bits |= (int64_t)tg_prove_in_bounds(t->arena, facts, tg_op_index(op, d),
                                            tg_operand(op, 0), d)
                << d;
    }
    (void)f;
    return bits;
}

static void find_store(tg_op *op, void *user) {
    if (op->opcode == TG_OP_STORE) {
        *(tg_op **)user = op;
    }
}

Test(ir_affine, ranges) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, text);
    cr_assert_not_null(f);
    tg_facts facts;
    tg_facts_gather(&facts, f, t.arena);
    cr_expect_eq(proved(&t, f, &facts, named(f, "x0")->def), 1); /* c < 32 says nothing of M */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x1")->def), 0); /* i + 3 */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x2")->def),
                 0); /* N - i reaches N; 0 < M is unknown */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x3")->def),
                 0); /* clamped to N - 1, but N may be 0 */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x4")->def), 1); /* N - 1 - i */
    tg_op *store = NULL;
    tg_ir_walk(f, find_store, &store);
    cr_expect_eq(proved(&t, f, &facts, store), 1); /* through the assumption */
    cr_expect_eq(proved(&t, f, NULL, store), 0);
    tg_range r;
    cr_expect(tg_range_of(t.arena, named(f, "r"), &r));
    cr_expect(r.lo.known && !r.lo.symbol && r.lo.constant == 0 && r.hi.known && !r.hi.symbol &&
              r.hi.constant == 7);
    cr_expect(tg_range_of(t.arena, named(f, "q"), &r));
    cr_expect(r.hi.known && !r.hi.symbol && r.hi.constant == 3);
    cr_expect(tg_range_of(t.arena, named(f, "i"), &r));
    cr_expect(r.lo.known && r.lo.constant == 0 && r.hi.known && r.hi.symbol &&
              r.hi.constant == -1);
    ir_text_fini(&t);
}

/* R = H / G: head h of H reads head h * G / H of G; group g of G has heads g * R + r. */
static const char *const groups =
    "func @f(in %X: tensor<1 x f32>, in %Y: tensor<1 x f32>, out %Z: tensor<1 x f32>)\n"
    "{\n"
    "%zero = const {value=0} : i64 %H = dim %X {d=0} : i64 %G = dim %Y {d=0} : i64\n"
    "%R = div %H, %G : i64 %ZN = dim %Z {d=0} : i64 %same = cmp %ZN, %H {pred=eq} : bool\n"
    "assume %same\n"
    "%rest = rem %H, %G : i64 %none = cmp %rest, %zero {pred=eq} : bool assume %none\n"
    "phase () {\n"
    "par %H, %zero, %H (%h: i64) { par %G, %zero, %G (%g: i64) { par %R, %zero, %R (%r: i64) "
    "{\n"
    "%hG = mul %h, %G : i64 %own = div %hG, %H : i64 %x0 = load %Y, %own : f32\n"
    "%gR = mul %g, %R : i64 %head = add %gR, %r : i64 %x1 = load %X, %head : f32\n"
    "%hH = mul %h, %H : i64 %far = div %hH, %G : i64 %x2 = load %Y, %far : f32\n"
    "%gG = mul %g, %G : i64 %off = div %gG, %H : i64 %x3 = load %Y, %off : f32\n"
    "%hR = mul %h, %R : i64 %x4 = load %X, %hR : f32\n"
    "%sum = add %x0, %x1 : f32 store %Z, %sum, %head\n"
    "} } } } }";

Test(ir_affine, shares) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, groups);
    cr_assert_not_null(f, "%s", ir_text_diags(&t));
    tg_facts facts;
    tg_facts_gather(&facts, f, t.arena);
    cr_expect_eq(proved(&t, f, &facts, named(f, "x0")->def), 1);
    cr_expect_eq(proved(&t, f, NULL, named(f, "x0")->def), 0); /* G may be 0 */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x1")->def), 1);
    cr_expect_eq(proved(&t, f, NULL, named(f, "x1")->def), 1);   /* r < R, so G is not 0 */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x2")->def), 0); /* H * H / G */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x3")->def), 0); /* g < H is not known */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x4")->def), 0); /* h beyond G */
    tg_op *store = NULL;
    tg_ir_walk(f, find_store, &store);
    cr_expect_eq(proved(&t, f, &facts, store), 1);
    ir_text_fini(&t);
}

/* Indices between steps of a stride, and those of a block counted from where it begins. */
static const char *const windows =
    "func @f(in %X: tensor<1 x f32>, out %Y: tensor<1 x f32>)\n"
    "axes { #p grid block=8, #k local } {\n"
    "%zero = const {value=0} : i64 %one = const {value=1} : i64 %two = const {value=2} : i64\n"
    "%N = dim %X {d=0} : i64 %more = add %N, %one : i64 %half = div %N, %two : i64 %up = div %more, %two : i64\n"
    "%YN = dim %Y {d=0} : i64 %same = cmp %YN, %N {pred=eq} : bool assume %same\n"
    "phase () { par %N, %zero, %N {axis=#p} () {\n"
    "%p = iota {axis=#p} : tile<#p x i64> %first = axis_first {axis=#p} : i64 %size = axis_size {axis=#p} : i64\n"
    "%from = sub %p, %first : tile<#p x i64> %back = sub %first, %p : tile<#p x i64>\n"
    "%past = sub %from, %size : tile<#p x i64> %in = add %past, %N : tile<#p x i64>\n"
    "%end = sub %in, %size : tile<#p x i64>\n"
    "axis %half, %zero, %half {axis=#k} %k = iota {axis=#k} : tile<#k x i64> %twice = mul %k, %two : tile<#k x i64>\n"
    "%odd = add %twice, %one : tile<#k x i64> %next = add %twice, %two : tile<#k x i64>\n"
    "%x0 = load %X, %odd : tile<#k x f32> %x1 = load %X, %next : tile<#k x f32>\n"
    "%last = sub %up, %one : i64 %l2 = mul %last, %two : i64 %x2 = load %X, %l2 : f32\n"
    "%b1 = sub %half, %one : i64 %b2 = mul %b1, %two : i64 %x3 = load %X, %b2 : f32\n"
    "%x4 = load %X, %from : tile<#p x f32>\n"
    "%x5 = load %X, %end : tile<#p x f32>\n"
    "store %Y, %x4, %p } } }";

static bool is_nonneg(ir_text *t, tg_func *f, const char *name, int64_t plus) {
    tg_affine form;
    cr_assert(tg_affine_with_opaque(t->arena, named(f, name), &form), "%s", name);
    form.constant += plus;
    return tg_prove_nonneg(t->arena, NULL, &form);
}

Test(ir_affine, windows) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, windows);
    cr_assert_not_null(f, "%s", ir_text_diags(&t));
    tg_facts facts;
    tg_facts_gather(&facts, f, t.arena);
    cr_expect_eq(proved(&t, f, &facts, named(f, "x0")->def), 1); /* 2 k + 1 < N where k < N / 2 */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x1")->def), 0); /* 2 k + 2 is N if N is even */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x2")->def), 0); /* below 0 if there is nothing */
    cr_expect_eq(proved(&t, f, &facts, named(f, "x3")->def), 0);
    cr_expect_eq(proved(&t, f, &facts, named(f, "x5")->def), 0);
    cr_expect(is_nonneg(&t, f, "from", 0));      /* first <= p */
    cr_expect_not(is_nonneg(&t, f, "from", -1));
    cr_expect_not(is_nonneg(&t, f, "back", 7)); /* a block has at most 8 points, but so little is not asked for */
    cr_expect_not(is_nonneg(&t, f, "past", 0));
    ir_text_fini(&t);
}
