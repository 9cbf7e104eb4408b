# cmake -DDIR=docs/errors -DOUT=pages.c -P pages.cmake: the pages of the diagnostics as C arrays.
file(GLOB pages ${DIR}/*.md)
list(SORT pages)
set(arrays "")
set(rows "")
foreach(page IN LISTS pages)
    get_filename_component(code ${page} NAME_WE)
    if(NOT code MATCHES "^[EWL][0-9]+$")
        continue()
    endif()
    file(READ ${page} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    # char may be signed: bytes above 0x7f are written through a cast of the whole array
    string(APPEND arrays "static const unsigned char page_${code}[] = {${bytes}0};\n")
    string(APPEND rows "    {\"${code}\", page_${code}},\n")
endforeach()
file(WRITE ${OUT} "/* Made from docs/errors by pages.cmake. */
#include \"cli/pages.h\"

#include <stddef.h>
#include <string.h>

${arrays}
static const struct page {
    const char *code;
    const unsigned char *text;
} pages[] = {
${rows}    {NULL, NULL},
};

const char *tg_error_page(const char *code) {
    for (const struct page *p = pages; p->code; p++) {
        if (strcmp(p->code, code) == 0) {
            return (const char *)p->text;
        }
    }
    return NULL;
}
")
