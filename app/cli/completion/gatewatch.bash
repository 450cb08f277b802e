# Completion of gatewatch for bash 3.2 and newer. To load it: source <(gatewatch completion bash)
_gatewatch() {
	local cur=${COMP_WORDS[COMP_CWORD]} line word words=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		words+=("=$word") # no word is empty or looks like a flag of the command below
	done
	COMPREPLY=()
	while IFS= read -r line; do
		word=${line%%$'\t'*}
		if [ -z "$word" ]; then # a file is wanted
			compopt -o filenames 2>/dev/null
			while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${cur#=}")
			return
		fi
		if [ "$cur" = "=" ] || [ "${COMP_WORDS[COMP_CWORD-1]}" = "=" ]; then
			word=${word#*=} # bash takes --flag=value for three words
		fi
		case $cur in
		\"* | \'*) ;;
		*) word=$(printf %q "$word") ;;
		esac
		COMPREPLY+=("$word")
	done < <("$1" complete "${words[@]}" 2>/dev/null)
}
complete -F _gatewatch gatewatch
