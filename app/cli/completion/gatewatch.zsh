#compdef gatewatch
# Completion of gatewatch for zsh. To load it: source <(gatewatch completion zsh), after compinit.
_gatewatch() {
	local line
	local -a before described
	before=("${(@)words[2,CURRENT-1]}")
	while IFS= read -r line; do
		if [[ $line == $'\t'* ]]; then # a file is wanted
			compset -P '--*='
			_files
			return
		fi
		described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done < <("${words[1]}" complete "${(@)before/#/=}" "=$PREFIX" 2>/dev/null)
	_describe gatewatch described
}
if [[ ${funcstack[1]} == _gatewatch ]]; then
	_gatewatch "$@"
else
	compdef _gatewatch gatewatch
fi
