# Tab-separated pairs on stdin, <, = or > a line on stdout, by apk-tools; ? where it takes either for invalid.
tab=$(printf '\t')
while IFS="$tab" read -r a b; do
	if apk version -q --check "$a" "$b" >/dev/null 2>&1; then
		apk version --test "$a" "$b"
	else
		echo "?"
	fi
done
