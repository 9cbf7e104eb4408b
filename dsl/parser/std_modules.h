/* The modules of std/, embedded at build time (cmake/TegulaEmbed.cmake). Ends with a null path. */
#ifndef TG_PARSER_STD_MODULES_H
#define TG_PARSER_STD_MODULES_H

#include <stddef.h>

typedef struct tg_std_module {
    const char *path; /* "std/nn" */
    const char *text;
    size_t len;
} tg_std_module;

extern const tg_std_module tg_std_modules[];

#endif
