/* Abstract syntax of a .dsl file, exactly as written (docs/language.md section 3). No types, no names
 * resolved: that is the elaborator's work (elab.h). Everything lives in the compilation arena; lists are arrays
 * with a count. Spans cover the whole construct; `name_span` the name alone, for messages.
 *
 * parse.c makes it, fmt.c prints it back, elab_*.c reads it. */
#ifndef TG_PARSER_AST_H
#define TG_PARSER_AST_H

#include "base/diag.h"
#include "base/dtype.h"

typedef struct tg_expr tg_expr;
typedef struct tg_stmt tg_stmt;
typedef struct tg_item tg_item;

/* ---- types ------------------------------------------------------------------------------------------ */

typedef enum tg_tref_kind {
    TG_TREF_NAMED, /* a type name (dtype set), else dtype NONE: a type parameter or an unknown type (E0202) */
    TG_TREF_WIDE,  /* wide(inner) */
    TG_TREF_TUPLE  /* (t, t, …): only in function parameters and results */
} tg_tref_kind;

/* A type as written, with the axes of `vtype`/`decl` when there are any: `f32 [a, b]`. */
typedef struct tg_tref {
    tg_tref_kind kind;
    tg_span span;
    tg_dtype dtype;
    tg_name name; /* the spelling, of a type name too (`int` and `i64` are one dtype) */
    struct tg_tref *inner; /* WIDE */
    struct tg_tref **items; /* TUPLE */
    uint32_t n_items;
    tg_name *axes; /* `[ID, …]` after a vtype */
    tg_span *axis_spans;
    uint32_t n_axes;
    bool has_axes; /* `[…]` written */
} tg_tref;

/* ---- expressions -------------------------------------------------------------------------------------- */

typedef enum tg_expr_kind {
    TG_EXPR_INT,     /* u.integer: value and the spelling */
    TG_EXPR_FLOAT,   /* u.number: value rounded to f64 and the spelling */
    TG_EXPR_STRING,
    TG_EXPR_BOOL,
    TG_EXPR_INF,     /* also NAN below */
    TG_EXPR_NAN,
    TG_EXPR_NAME,
    TG_EXPR_TYPE,    /* a type where an expression is expected: T == bf16, bitcast(f32, x), callee of a conversion */
    TG_EXPR_TUPLE,   /* (a, b): two or more; a parenthesised single expression sets `parens` on it instead */
    TG_EXPR_UNARY,
    TG_EXPR_BINARY,
    TG_EXPR_COND,    /* c ? a : b */
    TG_EXPR_CALL,
    TG_EXPR_INDEX,   /* x[args] else e */
    TG_EXPR_MEMBER,  /* x.name */
    TG_EXPR_ELEMENT, /* t.0 */
    TG_EXPR_POISON   /* a syntax error was reported here; raise nothing more */
} tg_expr_kind;

typedef enum tg_operator {
    TG_OPER_MUL, TG_OPER_DIV, TG_OPER_REM, TG_OPER_ADD, TG_OPER_SUB, TG_OPER_SHL, TG_OPER_SHR,
    TG_OPER_AND, TG_OPER_XOR, TG_OPER_OR,
    TG_OPER_LT, TG_OPER_LE, TG_OPER_GT, TG_OPER_GE, TG_OPER_EQ, TG_OPER_NE,
    TG_OPER_LAND, TG_OPER_LOR,
    TG_OPER_MIN, TG_OPER_MAX, /* only in assignment: x min= e */
    TG_OPER_NEG, TG_OPER_LNOT, TG_OPER_BNOT, /* unary */
    TG_OPER_NONE              /* plain `=` in an assignment */
} tg_operator;

/* call and index arguments: positional (name null) or named `r = e` */
typedef struct tg_arg {
    tg_name name;
    tg_span name_span;
    tg_expr *value;
} tg_arg;

struct tg_expr {
    tg_expr_kind kind;
    tg_span span;
    bool parens; /* written in parentheses: `(x)`. Matters for FMA contraction and for `max(x, (j))` */
    union {
        struct { uint64_t value; const char *text; } integer;
        struct { double value; const char *text; } number;
        struct { const char *text; uint32_t len; } string; /* escapes resolved */
        struct { bool value; } boolean;
        struct { tg_name name; } name;
        struct { tg_tref *type; } type;
        struct { tg_expr **items; uint32_t n_items; } tuple;
        struct { tg_operator op; tg_expr *operand; } unary;
        struct { tg_operator op; tg_span op_span; tg_expr *left, *right; } binary;
        struct { tg_expr *test, *yes, *no; } cond;
        struct { tg_expr *callee; tg_arg *args; uint32_t n_args; } call;
        struct { tg_expr *base; tg_arg *args; uint32_t n_args; tg_expr *otherwise; } index;
        struct { tg_expr *base; tg_name name; tg_span name_span; } member;
        struct { tg_expr *base; uint32_t position; } element;
    } u;
};

/* ---- statements --------------------------------------------------------------------------------------- */

/* `in E [from a] [until b] [step s]`; absent parts are null */
typedef struct tg_domain {
    tg_span span;
    tg_expr *extent, *from, *until, *step;
} tg_domain;

/* `[each] name domain` in grid, for and axis */
typedef struct tg_binder {
    bool each;
    tg_name name;
    tg_span name_span;
    tg_domain domain;
} tg_binder;

typedef struct tg_dim { bool is_const; tg_expr *value; } tg_dim; /* `const D` has a NAME expression */

/* `name [axes] = init` of a declaration, or `name = init` of let (several names for a tuple) */
typedef struct tg_declarator {
    tg_name *names;
    tg_span *name_spans;
    uint32_t n_names; /* > 1 only in let (a, b) = …  */
    tg_name *axes;
    tg_span *axis_spans;
    uint32_t n_axes;
    tg_expr *init;             /* null if missing (E0401) or an initialiser list */
    struct tg_init_list *list; /* `{…}`, else null */
    tg_span span;
} tg_declarator;

typedef struct tg_init_list {
    tg_span span;
    struct { tg_expr *value; struct tg_init_list *list; } *items; /* one of the two */
    uint32_t n_items;
} tg_init_list;

typedef enum tg_stmt_kind {
    TG_STMT_BLOCK,
    TG_STMT_LET,      /* u.decl, type null */
    TG_STMT_DECL,     /* u.decl, type set; is_const for `const int S = …` */
    TG_STMT_AXIS,     /* u.axis */
    TG_STMT_VIEW,
    TG_STMT_TEMP,     /* launch level */
    TG_STMT_GRID,     /* launch level (anywhere else E0502) */
    TG_STMT_IF,
    TG_STMT_WHILE,
    TG_STMT_FOR,      /* for (binder) */
    TG_STMT_FOR_C,    /* for (decl; cond; step) */
    TG_STMT_BREAK, TG_STMT_CONTINUE, TG_STMT_RETURN,
    TG_STMT_STATIC_ASSERT,
    TG_STMT_ASSIGN,   /* target op= value [where c]; tuples: (a, b) = e */
    TG_STMT_CALL,     /* a call used as a statement: print, assert, atomic_add … */
    TG_STMT_POISON
} tg_stmt_kind;

struct tg_stmt {
    tg_stmt_kind kind;
    tg_span span;
    union {
        struct { tg_stmt **items; uint32_t n_items; } block;
        struct { bool is_const; tg_tref *type; tg_declarator *items; uint32_t n_items; } decl;
        struct { tg_binder *items; uint32_t n_items; } axis;
        struct { tg_tref *type; tg_name name; tg_span name_span; tg_dim *dims; uint32_t n_dims; tg_expr *base;
                 tg_expr **strides; uint32_t n_strides; } view;
        struct { tg_tref *type; struct tg_temp_decl { tg_name name; tg_span name_span; tg_dim *dims; uint32_t n_dims;
                 tg_expr *init; } *items; uint32_t n_items; } temp;
        struct { tg_name label; tg_binder *binders; uint32_t n_binders; tg_stmt *body; } grid; /* label null if none */
        struct { bool is_const; tg_expr *test; tg_stmt *yes, *no; } branch; /* no may be null */
        struct { tg_expr *test; tg_stmt *body; } loop;                     /* while */
        struct { bool unroll; tg_binder binder; tg_stmt *body; } range;    /* for (binder) */
        struct { bool unroll; tg_stmt *init; tg_expr *test; tg_stmt *step; tg_stmt *body; } for_c;
        struct { tg_expr *value; } ret; /* null without a value */
        struct { tg_arg *args; uint32_t n_args; } static_assertion;
        struct {
            tg_expr *target; /* NAME, INDEX, or TUPLE of names */
            tg_operator op;  /* TG_OPER_NONE for `=` */
            tg_span op_span;
            tg_expr *value, *guard; /* guard: `where c`, else null */
            bool atomic, unchecked;
            tg_name order, scope; /* atomic(order, scope), null if absent */
        } assign;
        struct { tg_expr *call; } call;
    } u;
};

/* ---- items ---------------------------------------------------------------------------------------------- */

typedef struct tg_generic { /* <T: float | f32, …> */
    tg_name name;
    tg_span span;
    tg_name *bounds; /* class names ("float", "integer", …) or dtype names */
    tg_span *bound_spans;
    uint32_t n_bounds;
} tg_generic;

typedef enum tg_param_kind {
    TG_PARAM_TENSOR, /* in/out/inout τ X[…]; also `in` tensors of functions */
    TG_PARAM_SCALAR, /* kernel scalar or function value (with axes) */
    TG_PARAM_PTR,    /* ptr τ p */
    TG_PARAM_AXIS,   /* function: axis a */
    TG_PARAM_FN      /* function: fn f */
} tg_param_kind;

typedef enum tg_direction { TG_DIR_IN, TG_DIR_OUT, TG_DIR_INOUT } tg_direction;

typedef struct tg_param {
    tg_param_kind kind;
    tg_span span, name_span;
    tg_direction direction;
    bool optional; /* in? */
    bool is_const;
    tg_tref *type;
    tg_name name;
    tg_dim *dims; /* TENSOR */
    uint32_t n_dims;
    tg_name *axes; /* function values: declared axes */
    tg_span *axis_spans;
    uint32_t n_axes;
    tg_expr *init; /* default, or the fill of an out tensor */
} tg_param;

typedef struct tg_fn { /* fn and extern fn */
    tg_name name;
    tg_span name_span;
    tg_generic *generics; uint32_t n_generics;
    tg_param *params; uint32_t n_params;
    tg_tref *result;
    tg_expr *value; /* `= expr;`; else body */
    tg_stmt *body;
    const char *extern_target; /* "ptx" …, null for a plain fn */
    tg_expr *extern_code;
    bool broken; /* syntax error in the signature: what its names are is not known */
} tg_fn;

typedef struct tg_kernel_decl {
    tg_name name;
    tg_span name_span;
    tg_generic *generics; uint32_t n_generics;
    tg_param *params; uint32_t n_params;
    tg_expr **wheres; uint32_t n_wheres;
    tg_name *fast; tg_span *fast_spans; uint32_t n_fast;
    tg_stmt *body; /* a BLOCK of launch-level statements */
    bool broken;   /* as in tg_fn */
} tg_kernel_decl;

typedef struct tg_sched_target { tg_span span; tg_name phase, name; int64_t ordinal; /* #n, 0 if absent */ tg_name *args; uint32_t n_args; } tg_sched_target;
typedef struct tg_tvalue { /* INT FLOAT BOOL as expr; ID[(…)] or (…) as a call/tuple of values */
    tg_span span;
    enum { TG_TV_INT, TG_TV_FLOAT, TG_TV_BOOL, TG_TV_NAME, TG_TV_TUPLE } kind;
    int64_t integer; double number; bool boolean; tg_name name;
    struct tg_tvalue **items; uint32_t n_items; /* arguments of NAME, parts of TUPLE */
} tg_tvalue;
typedef struct tg_titem { /* of tune and schedule */
    tg_span span;
    enum { TG_TI_SET, TG_TI_CHOICES, TG_TI_RANGE, TG_TI_REQUIRE, TG_TI_BUCKET } kind;
    tg_sched_target *targets; uint32_t n_targets;
    tg_tvalue **values; uint32_t n_values; /* SET: 1; CHOICES: n */
    int64_t lo, hi, step;                  /* RANGE, inclusive */
    tg_expr *require;
    struct { tg_name name, how; } *buckets; uint32_t n_buckets;
} tg_titem;

typedef enum tg_item_kind { TG_ITEM_IMPORT, TG_ITEM_CONST, TG_ITEM_FN, TG_ITEM_EXTERN_FN, TG_ITEM_KERNEL, TG_ITEM_GRAD, TG_ITEM_TUNE, TG_ITEM_SCHEDULE, TG_ITEM_STATIC_ASSERT } tg_item_kind;

struct tg_item {
    tg_item_kind kind;
    tg_span span;
    bool is_private;
    const char *doc; /* `///` text of the lines before, joined by \n; null if none */
    union {
        struct { const char *path; tg_span path_span; tg_name alias; tg_name *names; tg_span *name_spans; uint32_t n_names; } import;
        struct { tg_tref *type; tg_name name; tg_span name_span; tg_expr *value; } constant;
        tg_fn fn;
        tg_kernel_decl kernel;
        struct { tg_name name, other; tg_span name_span, other_span; bool like; } grad;
        struct { tg_name name; tg_span name_span; tg_name target; tg_expr *when; tg_titem *items; uint32_t n_items; } tune; /* also schedule */
        struct { tg_arg *args; uint32_t n_args; } static_assertion;
    } u;
};

/* One comment with its position, so that the formatter loses none. */
typedef struct tg_comment { tg_span span; bool own_line; } tg_comment;

typedef struct tg_file {
    uint32_t file; /* source id */
    tg_item **items;
    uint32_t n_items;
    tg_comment *comments; /* in source order */
    uint32_t n_comments;
} tg_file;

/* ---- entry points (parse.c, fmt.c) ------------------------------------------------------------------------ */

/* Parses source `file` of diags->sources. Always gives a tg_file (what could be parsed); errors are in `diags`. */
tg_file *tg_parse_file(tg_arena *arena, tg_interner *names, tg_diags *diags, uint32_t file);

/* Prints a file in the canonical style: idempotent, comments kept. Only for files without syntax errors. */
void tg_format_file(const tg_file *file, const tg_source *source, tg_strbuf *out);

/* The tree without positions, one line per statement: `--emit ast` and the tests of the formatter. */
void tg_ast_dump(const tg_file *file, tg_strbuf *out);

/* One expression as source text (messages, grad printing). */
void tg_format_expr(const tg_expr *e, tg_strbuf *out);

#endif
