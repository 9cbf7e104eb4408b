/* Every rule of the verifier has one input that breaks it and nothing else. `says` is part
 * of the message. */
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>
#include <string.h>

#define PARAMS                                                                                 \
    "func @f(in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>, inout %I: tensor<1 x i64>, "     \
    "in %C: tensor<1 x c32>, in %H: tensor<1 x f8e4m3>, scalar %s: u64, inout %W: tensor<1 x " \
    "f32>)\n"
#define AXES         "axes { #i grid block=8, #j local, #k loop block=8, #u local, #g grid }\n"
#define HEAD         PARAMS AXES "{ %zero = const {value=0} : i64 %N = dim %X {d=0} : i64\n"
#define LAUNCH(body) HEAD body "}"
#define TILE(body)                                                                             \
    HEAD "phase () { par %N, %zero, %N {axis=#i} () {\n"                                       \
         "%i = iota {axis=#i} : tile<#i x i64> %x = load %X, %i, %zero : tile<#i x f32>\n"     \
         "%b = cmp %x, %x {pred=eq} : tile<#i x bool>\n" body "} } }"
#define J  "axis %N, %zero, %N {axis=#j} %j = iota {axis=#j} : tile<#j x i64>\n"
#define XJ J "%xj = load %X, %i, %j : tile<#i, #j x f32>\n"

typedef struct broken_case {
    const char *says, *text;
} broken_case;

static const broken_case cases[] = {
    /* signatures */
    {"has 1 operands", TILE("%y = add %x : tile<#i x f32>")},
    {"operand 0 must be a float tile", TILE("%y = floor %i : tile<#i x i64>")},
    {"operand 0 must be an integer tile", TILE("%y = popc %x : tile<#i x f32>")},
    {"operand 0 must be a bool tile", TILE("%y = select %x, %x, %x : tile<#i x f32>")},
    {"operand 0 must be a complex or float tile", TILE("%y = re %i : tile<#i x i64>")},
    {"operand 1 must be of the dtype of the first", TILE("%y = add %x, %i : tile<#i x f32>")},
    {"operand 0 must be a tile", TILE("%y = add %X, %x : tile<#i x f32>")},
    {"operand 0 must be a tensor", TILE("%y = dim %x {d=0} : i64")},
    {"operand 0 must be an i64 scalar", TILE("axis %s, %zero, %N {axis=#j}")},
    {"operand 1 must be a scalar", LAUNCH("fill %W, %X")},
    {"attribute axis is missing", TILE("%y = iota : tile<#i x i64>")},
    {"not in its row of ops.def", TILE("%y = add %x, %x {d=1} : tile<#i x f32>")},
    {"not one of its enumerators", TILE("%y = cmp %x, %x {pred=add} : tile<#i x bool>")},
    {"names an axis twice",
     TILE(XJ "%y = reduce %xj {over=(#j, #j), fn=add} : tile<#i x f32>")},
    {"result must have dtype f32", TILE("%y = add %x, %x : tile<#i x f64>")},
    {"result must have dtype bool", TILE("%y = isnan %x : tile<#i x f32>")},
    {"union of the operands' axes", TILE(J "%y = add %x, %x : tile<#i, #j x f32>")},
    {"has 2 results instead of 1",
     TILE("%y, %z = add %x, %x : tile<#i x f32>, tile<#i x f32>")},
    {"gives none", TILE("%y = store %Y, %x, %i, %zero : f32")},
    {"must have one result, a tensor", LAUNCH("%t = temp %N : i64")},
    /* scope */
    {"axis #j is not in scope", TILE("%y = broadcast %x : tile<#i, #j x f32>")},
    {"outside the scope of its definition",
     TILE("if %c () { %y = neg %x : tile<#i x f32> } () { print %y {format=\"\"} }")},
    {"bound by another operation",
     TILE("axis %N, %zero, %N {axis=#j} axis %N, %zero, %N {axis=#j}")},
    {"bound by another operation or is of another kind", TILE("axis %N, %zero, %N {axis=#k}")},
    /* leaves and elementwise */
    {"a constant is a scalar", TILE("%y = const {value=1} : tile<#i x i64>")},
    {"value does not fit", TILE("%y = const {value=1.5} : i64")},
    {"value does not fit", TILE("%y = const {value=2} : bool")},
    {"imag belongs to complex", TILE("%y = const {value=1.0, imag=1.0} : f32")},
    {"axis #j is not in scope", TILE("%y = iota {axis=#j} : tile<#i x i64>")},
    {"must be an i64 tile over the axis", TILE(J "%y = iota {axis=#j} : tile<#i x i64>")},
    {"must be an i64 scalar", TILE("%y = axis_size {axis=#i} : f32")},
    {"no arithmetic on dtype bool", TILE("%y = add %b, %b : tile<#i x bool>")},
    {"no arithmetic on dtype f8e4m3",
     TILE("%h = load %H, %i : tile<#i x f8e4m3> %y = add %h, %h : tile<#i x f8e4m3>")},
    {"have no order",
     TILE("%c = load %C, %i : tile<#i x c32> %y = max %c, %c : tile<#i x c32>")},
    {"needs integers or bool", TILE("%y = and %x, %x : tile<#i x f32>")},
    {"eq and ne only",
     TILE("%c = load %C, %i : tile<#i x c32> %y = cmp %c, %c {pred=lt} : tile<#i x bool>")},
    {"no comparison of dtype",
     TILE("%h = load %H, %i : tile<#i x f8e4m3> %y = cmp %h, %h {pred=lt} : tile<#i x bool>")},
    {"must have dtype u32", TILE("%y = byte_perm %i, %i, %i : tile<#i x i64>")},
    {"must have dtype f32", TILE("%y = select %b, %x, %i : tile<#i x f32>")},
    {"result spans other axes", TILE("%y = select %b, %x, %x : f32")},
    {"differ in width", TILE("%y = bitcast %x : tile<#i x i64>")},
    {"not a complex dtype", TILE("%y = cplx %x, %x : tile<#i x c64>")},
    {"lacks an axis", TILE("%y = broadcast %x : f32")},
    /* named indexing */
    {"names an axis that the operand does not have",
     TILE(J "%y = reindex %x, %i {axes=(#j)} : tile<#i x f32>")},
    {"has 2 indices for 1 axes", TILE("%y = reindex %x, %i, %i {axes=(#i)} : tile<#i x f32>")},
    {"result spans other axes", TILE("%y = reindex %x, %zero {axes=(#i)} : tile<#i x f32>")},
    {"value 2 must have dtype f32",
     TILE("%y = reindex %x, %i, %i {axes=(#i), else} : tile<#i x f32>")},
    {"the value has an axis that the target lacks",
     TILE(J "%xj = load %X, %j, %zero : tile<#j x f32> %y = reindex_set %x, %xj, %i "
            "{axes=(#i)} : tile<#i x f32>")},
    /* reductions */
    {"and is not defined for dtype f32", TILE("%y = reduce %x {over=(#i), fn=and} : f32")},
    {"names an axis that the operand does not have",
     TILE(J "%y = reduce %x {over=(#j), fn=add} : tile<#i x f32>")},
    {"result spans other axes", TILE("%y = reduce %x {over=(#i), fn=add} : tile<#i x f32>")},
    {"must have dtype i64", TILE("%y = reduce %x {over=(#i), fn=argmax} : f32")},
    {"wrong number of axes", TILE("%y = reduce %x {over=(), fn=add} : tile<#i x f32>")},
    {"is not defined for this dtype", TILE("%y = scan %x {axis=#i, fn=or} : tile<#i x f32>")},
    {"must have the type of the operand", TILE("%y = scan %x {axis=#i, fn=add} : f32")},
    {"has 1 results instead of 2", TILE("%y = sort %x {axis=#i} : tile<#i x f32>")},
    {"results must span the operand's axes",
     TILE("%y, %z = sort %x {axis=#i} : tile<#i x f32>, i64")},
    {"spans the new axis already",
     TILE(XJ "%y, %z = topk %xj {axis=#j, to=#i} : tile<#i x f32>, tile<#i x i64>")},
    {"value 0 must have dtype i32",
     TILE(J "%y = histogram %i {axis=#i, bins=#j} : tile<#j x i64>")},
    {"f32 and i64 do not multiply", TILE("%y = dot %x, %i {over=(#i)} : f32")},
    {"names an axis that the operand does not have",
     TILE(XJ "%y = dot %xj, %x {over=(#j)} : tile<#i x f32>")},
    {"sums over no axis", TILE("%y = dot %x, %x {over=()} : tile<#i x f32>")},
    {"value 2 must have dtype f32", TILE("%y = dot %x, %x, %zero {over=(#i)} : f32")},
    {"result spans other axes", TILE(XJ "%y = dot %xj, %xj {over=(#j)} : f32")},
    {"value 0 must have dtype u64", TILE("%a, %c, %d, %e = philox %zero, %i : tile<#i x u32>, "
                                         "tile<#i x u32>, tile<#i x u32>, tile<#i x u32>")},
    {"takes 0 arguments instead of 1", TILE("%y = map %x () { yield %N } : tile<#i x i64>")},
    {"argument 0 of the region is not a scalar",
     TILE("%y = map %x (%a: i64) { yield %a } : tile<#i x i64>")},
    {"must yield one scalar per result", TILE("%y = map %x (%a: f32) { } : tile<#i x f32>")},
    {"yielded scalar 0 is not of the result's dtype",
     TILE("%y = map %x (%a: f32) { yield %a } : tile<#i x i64>")},
    {"only scalars exist inside", TILE("%y = map %x (%a: f32) { %t = add %a, %x : tile<#i x "
                                       "f32> yield %a } : tile<#i x f32>")},
    {"folds over an axis that no operand has",
     TILE(J "%z = const {value=0.0} : f32 %y = reduce_fn %z, %x {over=(#j)} (%a: f32, %c: f32) "
            "{ yield %a } : tile<#i x f32>")},
    {"takes 1 arguments instead of 2", TILE("%z = const {value=0.0} : f32 %y = reduce_fn %z, "
                                            "%x {over=(#i)} (%a: f32) { yield %a } : f32")},
    /* tensors */
    {"dimension 2 of a tensor of rank 2", TILE("%y = dim %X {d=2} : i64")},
    {"belongs to the launch level", TILE("%y = temp %N : tensor<1 x f32>")},
    {"one extent per dimension", LAUNCH("%y = temp %N : tensor<2 x f32>")},
    {"an extent and a stride per dimension", LAUNCH("%y = tensor %s, %N : tensor<1 x f32>")},
    {"address must be a u64 scalar", LAUNCH("%y = tensor %N, %N, %N : tensor<1 x f32>")},
    {"belongs to the launch level", TILE("%z = const {value=0.0} : f32 fill %Y, %z")},
    {"value 1 must have dtype f32", LAUNCH("fill %Y, %N")},
    {"has 2 operands", TILE("%y = load %X, %i : tile<#i x f32>")},
    {"value 1 must have dtype i64",
     TILE("%k = cast %i : tile<#i x i32> %y = load %W, %k : tile<#i x f32>")},
    {"value 3 must have dtype f32", TILE("%y = load %X, %i, %i, %i : tile<#i x f32>")},
    {"result spans other axes", TILE("%y = load %X, %i, %zero : f32")},
    {"beyond the rank", TILE("%y = load %X, %i, %zero {in_bounds=4} : tile<#i x f32>")},
    {"into an instance of a phase", LAUNCH("%z = const {value=0.0} : f32 store %W, %z, %zero")},
    {"value 1 must have dtype f32", TILE("store %W, %i, %i")},
    {"the value has an axis that no index has", TILE("store %W, %x, %zero")},
    {"the guard has an axis that no index has",
     TILE("%z = const {value=0.0} : f32 store %W, %z, %zero, %b")},
    {"has more indices", TILE("%y = cas %I, %i, %i, %i, %i : tile<#i x i64>")},
    {"result spans other axes", TILE("%y = atomic %I, %N, %i {fn=add} : i64")},
    {"mul is not defined", TILE("%y = atomic %I, %N, %i {fn=mul} : tile<#i x i64>")},
    /* binders and control */
    {"belongs to the launch level", TILE("phase () { }")},
    {"takes no arguments", LAUNCH("phase (%a: i64) { }")},
    {"directly inside phase or par",
     TILE(
         "%t = const {value=1} : bool if %t () { par %N, %zero, %N {axis=#g} () { } } () { }")},
    {"nothing may follow a par",
     LAUNCH("phase () { par %N, %zero, %N {axis=#i} () { } %q = add %N, %N : i64 }")},
    {"only pure scalar operations",
     LAUNCH("phase () { print %N {format=\"\"} par %N, %zero, %N {axis=#i} () { } }")},
    {"takes the index if there is no axis", LAUNCH("phase () { par %N, %zero, %N () { } }")},
    {"only single indices take a step",
     LAUNCH("phase () { par %N, %zero, %N {axis=#i, step=2} () { } }")},
    {"step must be at least 1", TILE("for %N, %zero, %N {step=0} (%t: i64) { }")},
    {"must be the index", TILE("for %N, %zero, %N (%t: f32) { }")},
    {"a loop over blocks of an axis", LAUNCH("for %N, %zero, %N {axis=#k} () { }")},
    {"has 0 results instead of 1",
     TILE("for %N, %zero, %N, %x (%t: i64, %a: tile<#i x f32>) { yield %a }")},
    {"takes 1 arguments instead of 2",
     TILE("%y = for %N, %zero, %N, %x (%t: i64) { yield %x } : tile<#i x f32>")},
    {"carried value 0 changes its type",
     TILE("%y = for %N, %zero, %N, %x (%t: i64, %a: f32) { yield %x } : tile<#i x f32>")},
    {"axis #k is not in scope",
     TILE("%y = for %N, %zero, %N, %x {axis=#k} (%a: tile<#i x f32>) { %k = iota {axis=#k} : "
          "tile<#k x i64> yield %k } : tile<#k x i64>")},
    {"does not end with yield",
     TILE("%y = for %N, %zero, %N, %x (%t: i64, %a: tile<#i x f32>) { } : tile<#i x f32>")},
    {"yields 2 values instead of 1", TILE("%y = for %N, %zero, %N, %x (%t: i64, %a: tile<#i x "
                                          "f32>) { yield %a, %a } : tile<#i x f32>")},
    {"has another type than expected", TILE("%y = for %N, %zero, %N, %x (%t: i64, %a: tile<#i "
                                            "x f32>) { yield %t } : tile<#i x f32>")},
    {"into an instance of a phase", LAUNCH("axis %N, %zero, %N {axis=#j}")},
    {"the condition must be a scalar", TILE("if %b () { } () { }")},
    {"a region yields 0 values instead of 1",
     TILE("%t = const {value=1} : bool %y = if %t () { yield %x } () { yield } : tile<#i x "
          "f32>")},
    {"region 0 takes 0 arguments", TILE("%y = while %x () { } (%q: f32) { } : f32")},
    {"must end with a condition", TILE("%y = while %x (%a: tile<#i x f32>) { } (%q: tile<#i x "
                                       "f32>) { yield %q } : tile<#i x f32>")},
    {"passed value 0 changes its type",
     TILE("%t = const {value=1} : bool %y = while %x (%a: tile<#i x f32>) { condition %t, %N } "
          "(%q: tile<#i x f32>) { yield %q } : tile<#i x f32>")},
    {"the function body yields nothing", LAUNCH("yield")},
    {"must be the last operation", TILE("yield %N %q = neg %x : tile<#i x f32>")},
    {"must end region 0 of while", TILE("%t = const {value=1} : bool condition %t")},
    {"the condition must be a scalar", TILE("assume %b")},
    {"may not stand in a region of points",
     TILE(
         "%y = map %x (%p: f32) { %t = const {value=1} : bool assert %t yield %p } : tile<#i x "
         "f32>")},
    /* the head */
    {"wrong rank, extent, block or like", "func @f() axes { #i grid block=-1 } { }"},
};

static void expect_broken(const broken_case *c) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, c->text);
    bool scoped = strstr(c->says, "outside the scope") != NULL;
    cr_assert(f || scoped, "does not read: %s\n%s", c->text, ir_text_diags(&t));
    const char *message = f ? tg_ir_verify(f, t.arena) : NULL;
    cr_expect(scoped || (message && strstr(message, c->says)),
              "expected \"%s\", got \"%s\" for\n%s", c->says, message ? message : "well formed",
              c->text);
    ir_text_fini(&t);
}

Test(ir_verify, each_rule_has_a_failing_input) {
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_broken(&cases[i]);
    }
}

/* ---- what text cannot express: links ---------------------------------------------------- */

static const char *const sound = TILE(
    "%y = add %x, %x : tile<#i x f32> %z = neg %y : tile<#i x f32> store %Y, %z, %i, %zero");

static tg_op *find(tg_block *block, tg_opcode opcode) {
    for (tg_op *op = block->first; op; op = op->next) {
        if (op->opcode == opcode) {
            return op;
        }
        tg_op *inner = op->n_regions ? find(&op->regions[0].body, opcode) : NULL;
        if (inner) {
            return inner;
        }
    }
    return NULL;
}

typedef void (*damage_fn)(tg_func *f, tg_op *add, tg_op *neg);

static void move_use(tg_func *f, tg_op *add, tg_op *neg) {
    tg_op_move_before(neg, add);
    (void)f;
}
static void clear_value(tg_func *f, tg_op *add, tg_op *neg) {
    *neg->operands[0].link = neg->operands[0].next;
    neg->operands[0].value = NULL;
    (void)f, (void)add;
}
static void swap_value(tg_func *f, tg_op *add, tg_op *neg) {
    neg->operands[0].link = NULL;
    (void)f, (void)add;
}
static void break_link(tg_func *f, tg_op *add, tg_op *neg) {
    add->next = neg->next;
    (void)f;
}
static void mark_erased(tg_func *f, tg_op *add, tg_op *neg) {
    neg->erased = true;
    (void)f, (void)add;
}
static void erase_constant(tg_func *f, tg_op *add, tg_op *neg) {
    f->body.body.first->erased = true;
    (void)add, (void)neg;
}
static void double_id(tg_func *f, tg_op *add, tg_op *neg) {
    neg->results[0].id = add->results[0].id;
    (void)f;
}
static void orphan_result(tg_func *f, tg_op *add, tg_op *neg) {
    neg->results[0].def = add;
    (void)f;
}
static void forget_type(tg_func *f, tg_op *add, tg_op *neg) {
    add->results[0].type = NULL;
    (void)f, (void)neg;
}
static void add_argument(tg_func *f, tg_op *add, tg_op *neg) {
    tg_block_add_arg(f, &f->body.body, neg->results[0].type, NULL);
    (void)add;
}

Test(ir_verify, broken_links) {
    static const struct {
        damage_fn damage;
        const char *says;
    } damages[] = {
        {move_use, "outside the scope"},
        {clear_value, "is missing"},
        {swap_value, "not linked into the uses"},
        {break_link, "not linked correctly"},
        {mark_erased, "stale entry"},
        {erase_constant, "is erased"},
        {double_id, "used twice"},
        {orphan_result, "does not point"},
        {forget_type, "has no type"},
        {add_argument, "not a parameter"},
    };
    for (uint32_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        ir_text t;
        ir_text_init(&t);
        tg_func *f = ir_text_read(&t, sound);
        cr_assert_not_null(f, "%s", ir_text_diags(&t));
        const char *before = tg_ir_verify(f, t.arena);
        cr_assert_null(before, "%s", before);
        damages[i].damage(f, find(&f->body.body, TG_OP_ADD), find(&f->body.body, TG_OP_NEG));
        const char *after = tg_ir_verify(f, t.arena);
        cr_expect(after && strstr(after, damages[i].says), "expected \"%s\", got \"%s\"",
                  damages[i].says, after ? after : "well formed");
        ir_text_fini(&t);
    }
}
