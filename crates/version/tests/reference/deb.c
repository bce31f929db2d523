/* Tab-separated pairs on stdin, <, = or > a line on stdout, by libdpkg; ? where it takes either for invalid. */
#define LIBDPKG_VOLATILE_API
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <dpkg/dpkg.h>
#include <dpkg/ehandle.h>
#include <dpkg/error.h>
#include <dpkg/version.h>
#include <dpkg/dpkg-db.h>

int main(void) {
  char line[8192];
  dpkg_program_init("order");
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    char *tab = strchr(line, '\t');
    if (!tab) return 2;
    *tab = 0;
    struct dpkg_version a, b;
    struct dpkg_error error = DPKG_ERROR_INIT;
    bool valid = parseversion(&a, line, &error) == 0;
    dpkg_error_destroy(&error);
    valid = parseversion(&b, tab + 1, &error) == 0 && valid;
    dpkg_error_destroy(&error);
    if (!valid) { puts("?"); continue; }
    int order = dpkg_version_compare(&a, &b);
    puts(order < 0 ? "<" : order > 0 ? ">" : "=");
  }
  return 0;
}
