/* Tokens of the IR's text form; private to read.c. */
#ifndef TG_IR_READ_LEX_H
#define TG_IR_READ_LEX_H

#include "dsl/ir/ir.h"

typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* identifier; text */
    TOKEN_VALUE,  /* %name; text without the sigil */
    TOKEN_AXIS,   /* #name */
    TOKEN_SYMBOL, /* @name */
    TOKEN_INT,    /* i */
    TOKEN_FLOAT,  /* f */
    TOKEN_STRING, /* text */
    TOKEN_PUNCT,  /* punct */
    TOKEN_BAD     /* reported already */
} token_kind;

typedef struct token {
    token_kind kind;
    char punct;
    tg_name text;
    int64_t i;
    double f;
    tg_span span;
} token;

typedef struct lexer {
    const char *text;
    uint32_t len, at, file;
    tg_interner *names;
    tg_diags *diags;
} lexer;

token lex_token(lexer *lx);

#endif
